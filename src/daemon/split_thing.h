/* SPDX-License-Identifier: BSD-2-Clause */
/* split_thing.h — what an event's `user` points at: each begins with one of these */
#ifndef DAEMON_SPLIT_THING_H
#define DAEMON_SPLIT_THING_H

enum split_thing {
	SPLIT_SUB,
	SPLIT_DOOR,        /* where subscribers come */
	SPLIT_SOURCE,      /* the source's connection */
	SPLIT_SOURCE_DOOR, /* where it comes */
	SPLIT_LINK,        /* a pipe to another worker */
	SPLIT_FEED,        /* a pipe from another worker */
	SPLIT_MAIL,        /* notes from another worker */
	SPLIT_CONTROL,     /* wishes */
	SPLIT_PASSING      /* refused: nobody follows what becomes of it */
};

#endif
