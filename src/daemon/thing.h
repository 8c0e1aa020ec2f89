/* SPDX-License-Identifier: BSD-2-Clause */
/* thing.h — what a `user` pointer of a worker's end points at begins with this */
#ifndef DAEMON_THING_H
#define DAEMON_THING_H

enum thing { THING_CONTROL, THING_LISTENER, THING_SESSION, THING_MIRROR };

#endif
