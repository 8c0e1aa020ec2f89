# SPDX-License-Identifier: BSD-2-Clause
"""fetch.py HOST:PORT MANIFEST COUNT PARALLEL — a parallel HTTP client that looks at each body

MANIFEST is JSON: {path: sha256}. COUNT requests go round the paths, half of the clients keep their
connection, the others make a new one for each. Prints JSON: how many were right, what went wrong.
"""
import hashlib
import http.client
import json
import sys
import threading


def one(connection, path, digest, close):
    connection.request("GET", path, headers={"Connection": "close"} if close else {})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise ValueError(f"{path}: status {answer.status}")
    if hashlib.sha256(body).hexdigest() != digest:
        raise ValueError(f"{path}: {len(body)} wrong bytes")


def work(address, jobs, close, result):
    connection = http.client.HTTPConnection(address, timeout=60)
    for path, digest in jobs:
        try:
            one(connection, path, digest, close)
            result["right"] += 1
        except (OSError, ValueError, http.client.HTTPException) as e:
            result["wrong"].append(f"{type(e).__name__}: {e}")
            connection.close()
    connection.close()


def main(address, manifest, count, parallel):
    with open(manifest, encoding="ascii") as f:
        paths = sorted(json.load(f).items())
    jobs = [paths[i % len(paths)] for i in range(int(count))]
    parallel = int(parallel)
    results = [{"right": 0, "wrong": []} for _ in range(parallel)]
    threads = [threading.Thread(target=work, args=(address, jobs[i::parallel], i % 2 == 0, r))
               for i, r in enumerate(results)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    print(json.dumps({"right": sum(r["right"] for r in results),
                      "wrong": [w for r in results for w in r["wrong"]][:20]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
