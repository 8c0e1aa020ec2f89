/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_folder.h — where grafts are kept beyond the life of a process: folders, who has them, their pins
 *
 *   BPFFS/shunt/v2-NETNS-FIRST-LAST/
 *
 * One folder for each range of ports. NETNS is the cookie of the network namespace, so that namespaces
 * that share a bpffs do not meet. Who uses a range has bound an abstract Unix socket with its name: such
 * names belong to the namespace as the ports do, and the kernel lets go of them when the process dies.
 */
#ifndef ENGINE_GRAFT_FOLDER_H
#define ENGINE_GRAFT_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define GRAFT_BPFFS "/sys/fs/bpf"

enum { GRAFT_PATH = 256 };

struct graft_folder {
	char dir[GRAFT_PATH];
	unsigned layout; /* GRAFT_LAYOUT of who made it */
	uint16_t first, last;
	pid_t user; /* 0: nobody; -1: somebody whose number is not to be had */
};

/* Cookie of this thread's network namespace, or 0: older than 5.14. */
uint64_t graft_folder_netns(void);

/* Name of the folder for first…last below bpffs (NULL: GRAFT_BPFFS). -ENAMETOOLONG. */
int graft_folder_name(char dir[GRAFT_PATH], const char *bpffs, uint16_t first, uint16_t last);
/* What dir's name says. -EINVAL: it is not the name of such a folder of this namespace. */
int graft_folder_parse(const char *dir, struct graft_folder *f);
/* All of this namespace, in use or not: how many there are; at most `most` are filled in. Or -errno. */
int graft_folders(const char *bpffs, struct graft_folder *f, int most);

/* 0, or -ENOENT: there is no bpffs at this place (NULL: GRAFT_BPFFS); the problem with its remedy. */
int graft_folder_check(const char *bpffs, char *problem, size_t size);
/* Make it. 0; 1: it was there; -errno. */
int graft_folder_make(const char *dir);
/* Everything that is pinned there, and the folder. */
void graft_folder_remove(const char *dir);
/* Has any folder beside dir (itself included) a pin of this name? NULL: is there any folder at all? */
bool graft_folder_any(const char *dir, const char *pin);
/* BPFFS/shunt, when nothing is left there. */
void graft_folder_remove_top(const char *dir);

/* Bind the name of this range: a descriptor to be closed, or -EADDRINUSE (*user: who has it, or a range
 * that overlaps), -errno. */
int graft_folder_lock(uint16_t first, uint16_t last, pid_t *user);
/* Who has the lock of this range? 0: nobody. */
pid_t graft_folder_user(uint16_t first, uint16_t last);
/* Who asked that stays in our lock's queue: let them go. */
void graft_folder_answer(int lock);

/* Each pin of the folder whose name is prefix and a number: `each` gets both. */
void graft_folder_each(const char *dir, const char *prefix,
		       void (*each)(void *to, const char *path, uint32_t number), void *to);
/* Path of a pin: dir/name, or dir/nameNUMBER. -ENAMETOOLONG. */
int graft_pin_path(char path[GRAFT_PATH], const char *dir, const char *name);
int graft_pin_number(char path[GRAFT_PATH], const char *dir, const char *prefix, uint32_t number);
/* Pin there; what was there before is replaced, without a moment in between. 0 or -errno. */
int graft_pin(int fd, const char *path);
/* What is pinned there: a descriptor or -errno. */
int graft_pinned(const char *path);

#endif
