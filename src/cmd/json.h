/* SPDX-License-Identifier: BSD-2-Clause */
/* json.h — the little JSON that commands print on stdout */
#ifndef CMD_JSON_H
#define CMD_JSON_H

/* A text, quoted, or null for NULL. Ours are plain; what the system or a path says might not be. */
void json_text(const char *text);
/* What stands before it, as it is, and the text. */
void json_field(const char *before, const char *text);

#endif
