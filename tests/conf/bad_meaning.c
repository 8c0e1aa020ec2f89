/* SPDX-License-Identifier: BSD-2-Clause */
/* bad_meaning.c — values that are fine, but not together */
#include "file.h"

static const struct bad_file files[] = {
	{ "backends that are not there",
	  "listen:\n"
	  "  - address: \":1\"\n"
	  "    look: [tls]\n"
	  "    default: bb\n"
	  "    on_silence: zebra\n"
	  "    routes: [{sni: [a.example], backend: wbe}]\n"
	  "backend: {web: {servers: [\"10.0.0.1:1\"]}, b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:4:14: there is no backend \"bb\"; did you mean \"b\"?\n"
	  "x.conf:5:17: there is no backend \"zebra\"\n"
	  "x.conf:6:42: there is no backend \"wbe\"; did you mean \"web\"?\n" },
	{ "a backend that nobody uses",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}, old: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:2:41: warning: backend \"old\" is never used\n" },
	{ "nothing is looked at, nobody gets it",
	  "listen: [{address: \":1\"}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:1:10: this listener looks at nothing: it needs its \"default\", which gets all\n" },
	{ "nothing is looked at, but there are routes",
	  "listen: [{address: \":1\", default: b, routes: [{protocol: ssh, backend: b}]}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:1:47: this listener looks at nothing: say what may come, like look: [tls]\n" },
	{ "nothing is looked at, silence is normal",
	  "listen: [{address: \":1\", default: b, on_silence: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:1:50: on_silence: this listener looks at nothing, so it waits for nobody to speak\n" },
	{ "it is looked, for nobody",
	  "listen: [{address: \":1\", look: [tls], on_silence: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:1:10: this listener has neither routes nor a \"default\": it would close all\n" },
	{ "routes without a condition",
	  "listen:\n"
	  "  - address: \":1\"\n"
	  "    look: [tls, http, ssh]\n"
	  "    default: b\n"
	  "    routes:\n"
	  "      - {backend: b}\n"
	  "      - {sni: [], protocol: [], backend: b}\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:6:9: this route has no condition: who gets all the rest is said by `default`\n"
	  "x.conf:7:9: this route has no condition: who gets all the rest is said by `default`\n" },
	{ "routes for what is not looked for",
	  "listen:\n"
	  "  - address: \":1\"\n"
	  "    look: ssh\n"
	  "    routes:\n"
	  "      - {sni: [a.example], backend: b}\n"
	  "      - {alpn: [h2], backend: b}\n"
	  "      - {host: [a.example], backend: b}\n"
	  "      - {protocol: [ssh, openvpn], backend: b}\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:5:9: this route asks for tls, which is not among what its listener looks for\n"
	  "x.conf:6:9: this route asks for tls, which is not among what its listener looks for\n"
	  "x.conf:7:9: this route asks for http, which is not among what its listener looks for\n"
	  "x.conf:8:9: this route asks for openvpn, which is not among what its listener looks for\n" },
	{ "conditions that exclude each other",
	  "listen:\n"
	  "  - address: \":1\"\n"
	  "    look: [tls, http, ssh]\n"
	  "    default: b\n"
	  "    routes:\n"
	  "      - {sni: [a.example], host: [a.example], backend: b}\n"
	  "      - {sni: [a.example], protocol: ssh, backend: b}\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:6:9: the conditions of this route are never true of one connection\n"
	  "x.conf:7:9: the conditions of this route are never true of one connection\n" },
	{ "a route behind its like",
	  "listen:\n"
	  "  - address: \":1\"\n"
	  "    look: [tls, http, ssh]\n"
	  "    default: b\n"
	  "    routes:\n"
	  "      - {sni: [a.example, b.example], backend: b}\n"
	  "      - {sni: [A.example], backend: b}\n"
	  "      - {host: [a.example], backend: b}\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:7:9: warning: this route is never taken: the one of line 6 takes all of its connections\n" },
	{ "a route behind a pattern",
	  "listen:\n"
	  "  - address: \":1\"\n"
	  "    look: [tls, http, ssh]\n"
	  "    default: b\n"
	  "    routes:\n"
	  "      - {sni: [\"*.b.example\"], backend: b}\n"
	  "      - {sni: [b.example], backend: b}\n"
	  "      - {sni: [xb.example], backend: b}\n"
	  "      - {sni: [x.b.example, \"*.y.b.example\"], alpn: [h2], backend: b}\n"
	  "      - {sni: [x.b.example, c.example], backend: b}\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:9:9: warning: this route is never taken: the one of line 6 takes all of its connections\n" },
	{ "routes behind a protocol",
	  "listen:\n"
	  "  - address: \":1\"\n"
	  "    look: [tls, http, ssh]\n"
	  "    default: b\n"
	  "    routes:\n"
	  "      - {protocol: tls, backend: b}\n"
	  "      - {sni: [a.example], backend: b}\n"
	  "      - {alpn: [h2], backend: b}\n"
	  "      - {protocol: [tls, ssh], backend: b}\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:7:9: warning: this route is never taken: the one of line 6 takes all of its connections\n"
	  "x.conf:8:9: warning: this route is never taken: the one of line 6 takes all of its connections\n" },
	{ "ports in use",
	  "listen:\n"
	  "  - {address: \":1\", default: b}\n"
	  "  - {address: \"127.0.0.1:1\", default: b}\n"
	  "  - {address: \"[::1]:1\", default: b}\n"
	  "  - {address: \"a.example:1\", default: b}\n"
	  "  - {address: \":2\", default: b}\n"
	  "  - {address: \"unix:/a\", default: b}\n"
	  "  - {address: \"unix:/a\", default: b}\n"
	  "  - {address: \"unix:/b\", default: b}\n"
	  "  - {address: \"fd:3\", default: b}\n"
	  "  - {address: \"fd:3\", default: b}\n"
	  "  - {address: \"fd:4\", default: b}\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:3:15: address: \"127.0.0.1:1\" is taken by \":1\" of line 2\n"
	  "x.conf:4:15: address: \"[::1]:1\" is taken by \":1\" of line 2\n"
	  "x.conf:5:15: address: \"a.example:1\" is taken by \":1\" of line 2\n"
	  "x.conf:8:15: address: \"unix:/a\" is taken by \"unix:/a\" of line 7\n"
	  "x.conf:11:15: address: \"fd:3\" is taken by \"fd:3\" of line 10\n" },
	{ "ports in use by splits",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n"
	  "split:\n"
	  "  - {source: \"listen::2\", listen: [\":3\", \":2\"]}\n"
	  "  - {source: \"listen:127.0.0.1:3\", listen: \":1\"}\n"
	  "  - {source: \"127.0.0.1:3\", listen: [\":4\", \"[::]:4\", \":0\", \":0\"]}\n"
	  "admin: {address: \":4\"}\n",
	  "x.conf:4:14: source: \"listen::2\" is taken by \":2\" of line 4\n"
	  "x.conf:5:14: source: \"listen:127.0.0.1:3\" is taken by \":3\" of line 4\n"
	  "x.conf:5:44: listen: \":1\" is taken by \":1\" of line 1\n"
	  "x.conf:6:44: listen: \"[::]:4\" is taken by \":4\" of line 6\n"
	  "x.conf:7:18: address: \":4\" is taken by \":4\" of line 6\n" },
	{ "a split that does not fit together",
	  "split:\n"
	  "  - {source: \"10.0.0.1:1\", listen: \":1\", takeover: true}\n"
	  "  - {source: \"10.0.0.1:1\", listen: \":2\", lag: 1M, burst: 512K, unit: 512K}\n",
	  "x.conf:2:14: source: takeover is for a source that comes: listen:ADDR\n"
	  "x.conf:3:5: unit: with units of 512K, lag and burst must be 2M together at least\n" },
	{ "listeners need backends, splits or not",
	  "listen: [{address: \":1\", default: b}]\n"
	  "split: [{source: \"10.0.0.1:1\", listen: \":2\"}]\n",
	  "x.conf:1:35: there is no backend \"b\"\n" },
	{ "a backend beside splits alone",
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n"
	  "split: [{source: \"10.0.0.1:1\", listen: \":2\"}]\n",
	  "x.conf:1:11: warning: backend \"b\" is never used\n" },
	{ "ports in use by numbers",
	  "listen:\n"
	  "  - {address: \"0.0.0.0:1\", default: b}\n"
	  "  - {address: \"[::1]:1\", default: b}\n"
	  "  - {address: \"10.0.0.1:1\", default: b}\n"
	  "  - {address: \"[::]:2\", default: b}\n"
	  "  - {address: \"10.0.0.1:2\", default: b}\n"
	  "  - {address: \"[2001:db8::1]:3\", default: b}\n"
	  "  - {address: \"[2001:db8:0:0::1]:3\", default: b}\n"
	  "  - {address: \"[2001:db8::2]:3\", default: b}\n"
	  "  - {address: \"10.0.0.1:4\", default: b}\n"
	  "  - {address: \"10.0.0.2:4\", default: b}\n"
	  "  - {address: \"a.example:5\", default: b}\n"
	  "  - {address: \"A.example:5\", default: b}\n"
	  "  - {address: \":0\", default: b}\n"
	  "  - {address: \":0\", default: b}\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n",
	  "x.conf:4:15: address: \"10.0.0.1:1\" is taken by \"0.0.0.0:1\" of line 2\n"
	  "x.conf:6:15: address: \"10.0.0.1:2\" is taken by \"[::]:2\" of line 5\n"
	  "x.conf:8:15: address: \"[2001:db8:0:0::1]:3\" is taken by \"[2001:db8::1]:3\" of line 7\n"
	  "x.conf:13:15: address: \"A.example:5\" is taken by \"a.example:5\" of line 12\n" },
	{ "the port of the admin",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\"]}}\n"
	  "admin: {address: \"127.0.0.1:1\"}\n",
	  "x.conf:3:18: address: \"127.0.0.1:1\" is taken by \":1\" of line 1\n" },
	{ "a server twice",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [\"10.0.0.1:1\", \"10.0.0.2:1\", \"10.0.0.1:1\"]}}\n",
	  "x.conf:2:53: warning: server \"10.0.0.1:1\" is there twice: give it a weight instead\n" },
	{ "backups alone",
	  "listen: [{address: \":1\", default: b}]\n"
	  "backend: {b: {servers: [{address: \"10.0.0.1:1\", backup: true}]}}\n",
	  "x.conf:2:11: warning: all servers of backend \"b\" are backups\n" },
	{ "ten mistakes",
	  "listen:\n"
	  "  - adress: \":443\"\n"
	  "    look: [tls, htp]\n"
	  "    default: wbe\n"
	  "    routes:\n"
	  "      - {sni: [\"*b.example\"], backend: web}\n"
	  "      - {host: [www.example], backend: sssh}\n"
	  "backend:\n"
	  "  web:\n"
	  "    servers: [\"10.0.0.5:443\", \"10.0.0.6\"]\n"
	  "    check: {every: 2, rise: many}\n"
	  "timeouts: {head: 3s, conect: 3s}\n"
	  "log: {level: loud}\n",
	  "x.conf:2:5: unknown key \"adress\"; did you mean \"address\"?\n"
	  "x.conf:3:17: look: \"htp\" is not one of tls, http, ssh, openvpn; did you mean \"http\"?\n"
	  "x.conf:4:14: there is no backend \"wbe\"; did you mean \"web\"?\n"
	  "x.conf:6:16: sni: \"*b.example\": a star stands for whole labels at the front: *.b.example\n"
	  "x.conf:7:40: there is no backend \"sssh\"\n"
	  "x.conf:10:31: address: \"10.0.0.6\": the port is missing: write HOST:PORT, :PORT or unix:/path\n"
	  "x.conf:11:20: every: \"2\" needs its unit: write it like 500ms or 3s\n"
	  "x.conf:11:29: rise: \"many\" is not a whole number\n"
	  "x.conf:12:22: unknown key \"conect\"; did you mean \"connect\"?\n"
	  "x.conf:13:14: level: \"loud\" is not one of error, warn, info, debug\n" },
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
