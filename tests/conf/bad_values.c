/* SPDX-License-Identifier: BSD-2-Clause */
/* bad_values.c — keys and values that are wrong in themselves */
#include "file.h"

static const struct bad_file files[] = {
	{ "nothing is given", "engine: auto\n",
	  "x.conf:1:1: this configuration lacks its \"listen\"\n"
	  "x.conf:1:1: this configuration lacks its \"backend\"\n" },
	{ "lists that are empty",
	  "listen: []\n"
	  "backend: {}\n",
	  "x.conf:1:9: listen: one at least is needed\n"
	  "x.conf:2:10: backend: one at least is needed\n" },
	{ "a list of splits that is empty", "split: []\n",
	  "x.conf:1:8: split: one at least is needed\n" },
	{ "no splits beside a listener",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n"
	  "split: []\n",
	  "x.conf:3:8: split: one at least is needed\n" },
	{ "a misspelt split", "spilt: [{source: \"10.0.0.1:1\", listen: \":1\"}]\n",
	  "x.conf:1:1: unknown key \"spilt\"; did you mean \"split\"?\n" },
	{ "splits that lack something",
	  "split:\n"
	  "  - {listen: \":1\"}\n"
	  "  - {source: \"10.0.0.1:1\"}\n"
	  "  - {source: \"10.0.0.1:1\", listen: []}\n"
	  "  - \":1\"\n",
	  "x.conf:2:5: this split lacks its \"source\"\n"
	  "x.conf:3:5: this split lacks its \"listen\"\n"
	  "x.conf:4:36: listen: one at least is needed\n"
	  "x.conf:5:5: split: each of the list is a section\n" },
	{ "values of a split",
	  "split:\n"
	  "  - source: \"listen:10.0.0.1\"\n"
	  "    listen: [\":1\", \"10.0.0.1\"]\n"
	  "    http: mp3\n"
	  "    lag: 1000K\n"
	  "    on_lag: skp\n"
	  "    burst: 2G\n"
	  "    align: 0\n"
	  "    on_source_end: leave\n"
	  "    source_timeout: 10\n"
	  "    retry: 0\n"
	  "    takeover: yes\n"
	  "    max_subscribers: many\n"
	  "    unit: 4K\n"
	  "    workers: 2\n",
	  "x.conf:2:13: source: \"listen:10.0.0.1\": the port is missing: write HOST:PORT, :PORT or unix:/path\n"
	  "x.conf:3:20: listen: \"10.0.0.1\": the port is missing: write HOST:PORT, :PORT or unix:/path\n"
	  "x.conf:4:11: http: \"mp3\": a type is like video/mp2t\n"
	  "x.conf:5:10: lag: \"1000K\" is too small: 1M is the least\n"
	  "x.conf:6:13: on_lag: \"skp\" is not one of skip, close, wait; did you mean \"skip\"?\n"
	  "x.conf:7:12: burst: \"2G\" is too large: 1G is the most\n"
	  "x.conf:8:12: align: \"0\" is too small: 1 is the least\n"
	  "x.conf:9:20: on_source_end: \"leave\" is not one of wait, close\n"
	  "x.conf:10:21: source_timeout: \"10\" needs its unit: write it like 500ms or 3s\n"
	  "x.conf:11:12: retry: \"0\" is too small: 1ms is the least\n"
	  "x.conf:12:15: takeover: \"yes\" is neither true nor false\n"
	  "x.conf:13:22: max_subscribers: \"many\" is not a whole number\n"
	  "x.conf:14:11: unit: \"4K\" is too small: 64K is the least\n"
	  "x.conf:15:5: unknown key \"workers\"; a split has source, listen, http, lag, on_lag, burst, align, on_source_end, source_timeout, retry, takeover, idle_timeout, max_subscribers, unit\n" },
	{ "a type that would break a head",
	  "split: [{source: \"10.0.0.1:1\", listen: \":1\", http: \"a/\\u00fc\"}]\n",
	  "x.conf:1:52: http: \"a/\\xc3\\xbc\": a type is written in ASCII\n" },
	{ "more addresses than a split can have",
	  "split: [{source: \"10.0.0.1:1\", listen: [\":1\", \":2\", \":3\", \":4\", \":5\", \":6\", \":7\", \":8\", \":9\",\n"
	  " \":10\", \":11\", \":12\", \":13\", \":14\", \":15\", \":16\", \":17\"]}]\n",
	  "x.conf:2:51: listen: \":17\": more than 16 addresses are too many\n" },
	{ "values that are missing",
	  "listen:\n"
	  "backend:\n"
	  "workers:\n",
	  "x.conf:1:8: listen: a list is wanted here: begin each item with \"- \"\n"
	  "x.conf:2:9: backend: names are wanted here, each with its section: NAME: {...}\n"
	  "x.conf:3:9: workers: a value is missing\n" },
	{ "an unknown key at the top",
	  "lisen: []\n"
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:1:1: unknown key \"lisen\"; did you mean \"listen\"?\n" },
	{ "an unknown key that is like none",
	  "zebra: 1\n"
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:1:1: unknown key \"zebra\"; a configuration has listen, backend, split, timeouts, limits, log, engine, unit, receive_limit, copy_below, workers, graft, admin\n" },
	{ "an unknown key of a listener",
	  "listen: [{adress: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:1:11: unknown key \"adress\"; did you mean \"address\"?\n" },
	{ "unknown keys of sections",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n"
	  "timeouts: {hed: 1s}\n"
	  "limits: {conections: 1}\n"
	  "log: {formt: json}\n"
	  "admin: {adress: \":2\"}\n",
	  "x.conf:3:12: unknown key \"hed\"; did you mean \"head\"?\n"
	  "x.conf:4:10: unknown key \"conections\"; did you mean \"connections\"?\n"
	  "x.conf:5:7: unknown key \"formt\"; did you mean \"format\"?\n"
	  "x.conf:6:9: unknown key \"adress\"; did you mean \"address\"?\n" },
	{ "unknown keys of a backend",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend:\n"
	  "  b:\n"
	  "    server: [\"10.0.0.1:1\"]\n"
	  "    balanse: random\n"
	  "    check: {interval: 2s}\n",
	  "x.conf:4:5: unknown key \"server\"; did you mean \"servers\"?\n"
	  "x.conf:5:5: unknown key \"balanse\"; did you mean \"balance\"?\n"
	  "x.conf:6:13: unknown key \"interval\"; a check has every, timeout, rise, fall, http\n" },
	{ "a key of another section",
	  "sni: [a.example]\n"
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:1:1: unknown key \"sni\"; a configuration has listen, backend, split, timeouts, limits, log, engine, unit, receive_limit, copy_below, workers, graft, admin\n" },
	{ "keys given twice",
	  "listen: []\n"
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n"
	  "engine: auto\n"
	  "engine: copy\n",
	  "x.conf:1:9: listen: one at least is needed\n"
	  "x.conf:2:1: \"listen\" is given twice\n"
	  "x.conf:5:1: \"engine\" is given twice\n" },
	{ "a backend given twice",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend:\n"
	  "  b: {servers: [\"10.0.0.1:1\"]}\n"
	  "  b: {servers: [\"10.0.0.2:1\"]}\n",
	  "x.conf:4:3: there is a backend \"b\" already\n" },
	{ "a section where a text is wanted",
	  "listen: [{address: {port: 1}, default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:1:20: address: one text is wanted here, not a section\n" },
	{ "a list where a text is wanted",
	  "listen: [{address: [\":1\", \":2\"], default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:1:20: address: one text is wanted here, not a list; if it begins with a bracket, put it in quotes\n" },
	{ "a section where a list is wanted",
	  "listen: {address: \":1\", default: b}\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:1:9: listen: a list is wanted here: begin each item with \"- \"\n" },
	{ "a text where a list is wanted",
	  "listen: \":1\"\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:1:9: listen: a list is wanted here: begin each item with \"- \"\n" },
	{ "texts where sections are wanted",
	  "listen: [\":1\"]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:1:10: listen: each of the list is a section\n" },
	{ "a list where a section is wanted",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: [{servers: [\"10.0.0.1:1\"]}]\n",
	  "x.conf:1:35: there is no backend \"b\"\n"
	  "x.conf:2:10: backend: names are wanted here, each with its section: NAME: {...}\n" },
	{ "a text where a section is wanted",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: \"10.0.0.1:1\"}\n",
	  "x.conf:2:14: backend: a section is wanted here\n" },
	{ "sections that are none",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n"
	  "timeouts: none\n"
	  "limits: 3\n"
	  "admin: \":1\"\n",
	  "x.conf:3:11: timeouts: a section is wanted here\n"
	  "x.conf:4:9: limits: a section is wanted here\n"
	  "x.conf:5:8: admin: a section is wanted here, or none\n" },
	{ "servers that are neither text nor section",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [[\"10.0.0.1:1\"], {weight: 2}]}}\n",
	  "x.conf:2:25: servers: each of the list is a text or a section\n"
	  "x.conf:2:41: this server lacks its \"address\"\n" },
	{ "times",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n"
	  "timeouts: {head: 3, connect: 3x, idle: -1s, half_closed: soon, drain: 99999999999999999999d}\n",
	  "x.conf:3:18: head: \"3\" needs its unit: write it like 500ms or 3s\n"
	  "x.conf:3:30: connect: \"3x\" is not a time: write it like 500ms, 3s, 10m, 2h or 1d\n"
	  "x.conf:3:40: idle: \"-1s\" is not a time: write it like 500ms, 3s, 10m, 2h or 1d\n"
	  "x.conf:3:58: half_closed: \"soon\" is not a time: write it like 500ms, 3s, 10m, 2h or 1d\n"
	  "x.conf:3:71: drain: \"99999999999999999999d\" is too much or too little to be counted\n" },
	{ "times out of range",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"], check: {every: 10ms, timeout: 2h}}}\n"
	  "timeouts: {head: 0}\n",
	  "x.conf:2:55: every: \"10ms\" is too small: 100ms is the least\n"
	  "x.conf:2:70: timeout: \"2h\" is too large: 1h is the most\n"
	  "x.conf:3:18: head: \"0\" is too small: 10ms is the least\n" },
	{ "sizes",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n"
	  "unit: 64q\n"
	  "receive_limit: 1k\n",
	  "x.conf:3:7: unit: \"64q\" is not a size: write it like 4096, 64k, 1M or 1.5G\n"
	  "x.conf:4:16: receive_limit: \"1k\" is too small: 256K is the least\n" },
	{ "sizes out of range",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n"
	  "unit: 1k\n"
	  "receive_limit: 2G\n",
	  "x.conf:3:7: unit: \"1k\" is too small: 4K is the least\n"
	  "x.conf:4:16: receive_limit: \"2G\" is too large: 1G is the most\n" },
	{ "numbers",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n"
	  "workers: two\n"
	  "limits: {connections: 1.5, per_client: 99999999999}\n",
	  "x.conf:3:10: workers: \"two\" is not a whole number\n"
	  "x.conf:4:23: connections: \"1.5\" is not a whole number\n"
	  "x.conf:4:40: per_client: \"99999999999\" is too much or too little to be counted\n" },
	{ "numbers out of range",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [{address: \"10.0.0.1:1\", weight: 0}, {address: \"10.0.0.2:1\", weight: 257}]}}\n"
	  "workers: 257\n",
	  "x.conf:2:57: weight: \"0\" is too small: 1 is the least\n"
	  "x.conf:2:93: weight: \"257\" is too large: 256 is the most\n"
	  "x.conf:3:10: workers: \"257\" is too large: 256 is the most\n" },
	{ "words",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"], balance: roundrobin, send_proxy: v3}}\n"
	  "log: {format: xml, level: loud}\n",
	  "x.conf:2:49: balance: \"roundrobin\" is not one of round_robin, least_connections, random, source_hash; did you mean \"round_robin\"?\n"
	  "x.conf:2:73: send_proxy: \"v3\" is not one of none, v1, v2; did you mean \"v1\"?\n"
	  "x.conf:3:15: format: \"xml\" is not one of logfmt, json\n"
	  "x.conf:3:27: level: \"loud\" is not one of error, warn, info, debug\n" },
	{ "neither true nor false",
	  "listen: [{address: \":1\", default: b, accept_proxy: yes}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:1:52: accept_proxy: \"yes\" is neither true nor false\n" },
	{ "addresses to listen on",
	  "listen:\n"
	  "  - {address: \"80\", default: b}\n"
	  "  - {address: \"*:80\", default: b}\n"
	  "  - {address: \"10.0.0.1:70000\", default: b}\n"
	  "  - {address: \"fd:1\", default: b}\n"
	  "  - {address: \"fd:x\", default: b}\n"
	  "  - {address: \"unix:x\", default: b}\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:2:15: address: \"80\": a port alone is written with a colon, like :8080\n"
	  "x.conf:3:15: address: \"*:80\": '*' is not an address: leave it out, as in :8080\n"
	  "x.conf:4:15: address: \"10.0.0.1:70000\": the port is too large: 65535 is the largest\n"
	  "x.conf:5:15: address: \"fd:1\": this is not a socket that a service manager hands over: the first one is fd:3\n"
	  "x.conf:6:15: address: \"fd:x\": this is not a socket that a service manager hands over: the first one is fd:3\n"
	  "x.conf:7:15: address: \"unix:x\": a Unix socket is written unix:/absolute/path or unix:@abstract-name\n" },
	{ "addresses of servers",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend:\n"
	  "  b:\n"
	  "    servers:\n"
	  "      - 10.0.0.1\n"
	  "      - 10.0.0:1\n"
	  "      - https://a.example/\n"
	  "      - a.example:0\n"
	  "      - _x._tcp.a.example:80\n"
	  "      - _x._udp.a.example\n"
	  "      - _x._tcp.\n"
	  "      - \"[fe80::1]:1\"\n",
	  "x.conf:5:9: address: \"10.0.0.1\": the port is missing: write HOST:PORT, :PORT or unix:/path\n"
	  "x.conf:6:9: address: \"10.0.0:1\": this is not an IPv4 address: it has four numbers from 0 to 255, like 192.0.2.1\n"
	  "x.conf:7:9: address: \"https://a.example/\": this is a URL: write HOST:PORT alone\n"
	  "x.conf:8:9: address: \"a.example:0\": port 0 cannot be connected to: write one from 1 to 65535\n"
	  "x.conf:9:9: address: \"_x._tcp.a.example:80\": an SRV name brings its ports along: leave the port out\n"
	  "x.conf:10:9: address: \"_x._udp.a.example\": an SRV name of TCP is written like _service._tcp.b.example\n"
	  "x.conf:11:9: address: \"_x._tcp.\": an SRV name of TCP is written like _service._tcp.b.example\n"
	  "x.conf:12:9: address: \"[fe80::1]:1\": a link-local address needs its interface: write it like [fe80::1%eth0]:80\n" },
	{ "an address of the admin",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n"
	  "admin: {address: \"fd:3\"}\n",
	  "x.conf:3:18: address: \"fd:3\": a socket that is handed over is for listeners alone\n" },
	{ "names",
	  "listen:\n"
	  "  - address: \":1\"\n"
	  "    look: [tls, http]\n"
	  "    routes:\n"
	  "      - {sni: [\"*b.example\"], backend: b}\n"
	  "      - {sni: [\"*\"], backend: b}\n"
	  "      - {sni: [\"a.*.example\"], backend: b}\n"
	  "      - {sni: [\"a..example\", \"a.example.\"], backend: b}\n"
	  "      - {sni: [\"\"], backend: b}\n"
	  "      - {host: [\"a.example:80\"], backend: b}\n"
	  "      - {host: [\"https://a.example\"], backend: b}\n"
	  "      - {host: [\"b\303\274ro.example\"], backend: b}\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:5:16: sni: \"*b.example\": a star stands for whole labels at the front: *.b.example\n"
	  "x.conf:6:16: sni: \"*\": a star alone says nothing; leave the names out to mean every name\n"
	  "x.conf:7:16: sni: \"a.*.example\": a star stands for whole labels at the front: *.b.example\n"
	  "x.conf:8:16: sni: \"a..example\": a host name is letters, digits, '-' and '_', with single dots between\n"
	  "x.conf:8:30: sni: \"a.example.\": write it without the dot at its end\n"
	  "x.conf:9:16: sni: \"\": a name is missing\n"
	  "x.conf:10:17: host: \"a.example:80\": a name without a port; an IPv6 address stands in [brackets]\n"
	  "x.conf:11:17: host: \"https://a.example\": a name without a port; an IPv6 address stands in [brackets]\n"
	  "x.conf:12:17: host: \"b\\xc3\\xbcro.example\": a name with other than ASCII letters is written in its xn-- form\n" },
	{ "ALPN",
	  "listen:\n"
	  "  - address: \":1\"\n"
	  "    look: [tls]\n"
	  "    routes:\n"
	  "      - {alpn: [\"\"], backend: b}\n"
	  "      - {alpn: [\"h 2\"], backend: b}\n"
	  "      - {alpn: [\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"], backend: b}\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:5:17: alpn: \"\": a protocol of ALPN has 1 to 255 bytes\n"
	  "x.conf:6:17: alpn: \"h 2\": a protocol of ALPN is written in ASCII without blanks, like h2 or acme-tls/1\n"
	  "x.conf:7:17: alpn: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\": a protocol of ALPN has 1 to 255 bytes\n" },
	{ "protocols",
	  "listen:\n"
	  "  - address: \":1\"\n"
	  "    look: [tls, smtp, proxy]\n"
	  "    routes: [{protocol: htpp, backend: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:3:17: look: \"smtp\" is not one of tls, http, ssh, openvpn; did you mean \"http\"?\n"
	  "x.conf:3:23: look: \"proxy\" is not one of tls, http, ssh, openvpn\n"
	  "x.conf:4:25: protocol: \"htpp\" is not one of tls, http, ssh, openvpn; did you mean \"http\"?\n" },
	{ "a path",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"], check: {http: health}}, c: {servers: [\"10.0.0.1:1\"], check: {http: \"/a b\"}}}\n",
	  "x.conf:2:54: http: \"health\": a path begins with '/': write it like /health\n"
	  "x.conf:2:107: http: \"/a b\": a path has no blanks, no '#', and ASCII only: write other characters like %20\n" },
	{ "backends' names",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend:\n"
	  "  b: {servers: [\"10.0.0.1:1\"]}\n"
	  "  none: {servers: [\"10.0.0.1:1\"]}\n"
	  "  \"a b\": {servers: [\"10.0.0.1:1\"]}\n"
	  "  \"\": {servers: [\"10.0.0.1:1\"]}\n",
	  "x.conf:4:3: \"none\": a backend cannot be called so: it is the word for no backend\n"
	  "x.conf:5:3: \"a b\": a backend's name has letters, digits and -_.:*[] only\n"
	  "x.conf:6:3: \"\": a backend's name has 1 to 260 characters\n" },
};

static void bad_files(void **state)
{
	(void)state;
	files_are_bad(files, sizeof(files) / sizeof(files[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
