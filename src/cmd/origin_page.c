/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/origin_page.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define HOST_MAX 255

/* %1$s is the host; a percent sign of CSS is written twice. */
static const char page[] =
	"<!doctype html>\n"
	"<html lang=\"en\">\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n"
	"<link rel=\"icon\" href=\"data:,\">\n"
	"<title>shunt demo</title>\n"
	"<style>\n"
	":root { --paper: #fbfaf7; --ink: #22262b; --soft: #69707a; --line: #dcd9d1; --box: #f1efe9;\n"
	"  --rail: #b4532a; }\n"
	"@media (prefers-color-scheme: dark) { :root { --paper: #16181b; --ink: #e4e2dd;\n"
	"  --soft: #989ea6; --line: #33373c; --box: #1f2226; --rail: #e0875c; } }\n"
	"body { background: var(--paper); color: var(--ink); margin: 0 auto; max-width: 44rem;\n"
	"  padding: 3.5rem 1.5rem 4rem; font: 17px/1.6 system-ui, sans-serif; }\n"
	"h1 { font-size: 2.6rem; line-height: 1; letter-spacing: -.03em; margin: 0 0 1.25rem; }\n"
	"h2 { font-size: 1rem; margin: 2rem 0 .4rem; }\n"
	"p { margin: 0 0 .6rem; }\n"
	"pre { background: var(--box); border-left: 3px solid var(--rail); border-radius: 3px;\n"
	"  margin: 0; padding: .7rem 1rem; overflow-x: auto; }\n"
	"pre, code { font: 14px/1.6 ui-monospace, \"DejaVu Sans Mono\", monospace; }\n"
	"svg { display: block; width: 100%%; margin: 1.75rem 0 .25rem; font: 13px system-ui, sans-serif;\n"
	"  fill: var(--ink); }\n"
	"a { color: var(--rail); }\n"
	".soft, footer { color: var(--soft); font-size: 15px; }\n"
	"footer { border-top: 1px solid var(--line); margin-top: 2.5rem; padding-top: 1rem; }\n"
	"</style>\n"
	"<h1>shunt</h1>\n"
	"<p>shunt relays TCP and Unix streams: it looks at as much of a stream as you need, and directs\n"
	"the kernel what to do with the rest. What it need not see stays in the kernel and is never\n"
	"copied through the program, so a relayed connection costs little more than a forwarded one.</p>\n"
	"<svg viewBox=\"0 0 640 92\" role=\"img\" aria-label=\"client, relay, origin\">\n"
	"<g fill=\"none\" stroke=\"var(--line)\" stroke-width=\"1.5\">\n"
	"<rect x=\"1\" y=\"31\" width=\"110\" height=\"44\" rx=\"5\"/>\n"
	"<rect x=\"529\" y=\"31\" width=\"110\" height=\"44\" rx=\"5\"/>\n"
	"<path d=\"M235 75V8h170v67z\" stroke-dasharray=\"4 4\"/></g>\n"
	"<path d=\"M111 53H235C262 53 262 65 290 65H350C378 65 378 53 405 53H529\" fill=\"none\"\n"
	"stroke=\"var(--rail)\" stroke-width=\"3\"/>\n"
	"<g text-anchor=\"middle\"><text x=\"56\" y=\"58\">your curl</text>\n"
	"<text x=\"320\" y=\"28\">shunt relay</text>\n"
	"<text x=\"320\" y=\"47\" fill=\"var(--soft)\">the bytes pass below</text>\n"
	"<text x=\"584\" y=\"58\">this origin</text></g>\n"
	"</svg>\n"
	"<p class=\"soft\">You came here by <code>%1$s</code>. If that is the relay, this page went\n"
	"through shunt.</p>\n"
	"<h2>Move much</h2>\n"
	"<pre>curl -o /dev/null http://%1$s/bytes/4G</pre>\n"
	"<h2>Prove that nothing is lost, repeated or swapped</h2>\n"
	"<pre>curl -s http://%1$s/bytes/1G | sha256sum\n"
	"curl -s http://%1$s/sha256/1G</pre>\n"
	"<h2>Eight at once</h2>\n"
	"<pre>curl -Z -o '/tmp/shunt-#1' 'http://%1$s/bytes/64M?[1-8]'\n"
	"sha256sum /tmp/shunt-[1-8]; rm /tmp/shunt-[1-8]</pre>\n"
	"<h2>Read slowly, and the origin is held back</h2>\n"
	"<pre>curl --limit-rate 1M -o /dev/null http://%1$s/bytes/1G</pre>\n"
	"<h2>Only the headers of a terabyte</h2>\n"
	"<pre>curl -I http://%1$s/bytes/1T</pre>\n"
	"<footer>N in <a href=\"/bytes/64k\">/bytes/N</a> and\n"
	"<a href=\"/sha256/64k\">/sha256/N</a> is a number of bytes, with k, m, g or t for powers of\n"
	"1024: bytes up to 1T, sums up to 64G, computed when asked for.</footer>\n"
	"</html>\n";

/* It goes into the page as it is, so nothing that HTML or a shell would read otherwise may pass. */
static bool is_host(const char *host)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]";
	size_t n = strlen(host);

	return n > 0 && n <= HOST_MAX && strspn(host, allowed) == n;
}

char *origin_page(const char *host, unsigned port)
{
	char own[sizeof("127.0.0.1:4294967295")], *text;

	snprintf(own, sizeof(own), "127.0.0.1:%u", port);
	if (asprintf(&text, page, host && is_host(host) ? host : own) < 0)
		return NULL;
	return text;
}
