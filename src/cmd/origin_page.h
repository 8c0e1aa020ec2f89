/* SPDX-License-Identifier: BSD-2-Clause */
/* origin_page.h — the page that the demo's origin shows: what shunt is, and what to try */
#ifndef CMD_ORIGIN_PAGE_H
#define CMD_ORIGIN_PAGE_H

/* host is how the reader came here, as in the Host header ("127.0.0.1:8080"); it stands in the
 * lines to be tried. NULL, or what cannot be a host, becomes 127.0.0.1 with the port given. To be
 * freed; NULL: no memory. */
char *origin_page(const char *host, unsigned port);

#endif
