/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_note.h — what we changed on this machine besides the folders, to be undone by whoever detaches
 *
 *   BPFFS/shunt/notes-NETNS     one for all folders of a namespace
 *
 * Noted before the change is made, so that a crash between the two leaves a note too many, never a
 * change that nobody knows of.
 */
#ifndef ENGINE_GRAFT_NOTE_H
#define ENGINE_GRAFT_NOTE_H

#include <stdbool.h>
#include <stdint.h>

enum graft_note_kind {
	NOTE_CLSACT = 1, /* of a device's index: its qdisc clsact is ours */
	NOTE_PORTS,      /* of first << 16 | last: we put them into ip_local_reserved_ports */
};

/* The notes beside the folder dir, made when there are none: a descriptor or -errno. */
int graft_notes_open(const char *dir);
/* All of them away, once the last folder is. */
void graft_notes_remove(const char *dir);

/* fd < 0: nothing is noted. 0 or -errno. */
int graft_note(int fd, enum graft_note_kind kind, uint32_t what);
void graft_note_clear(int fd, enum graft_note_kind kind, uint32_t what);
bool graft_noted(int fd, enum graft_note_kind kind, uint32_t what);
/* The first of its kind that is above `after` (0: the first of all); false: there is none. */
bool graft_note_next(int fd, enum graft_note_kind kind, uint32_t after, uint32_t *what);

#endif
