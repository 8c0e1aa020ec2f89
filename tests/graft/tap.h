/* SPDX-License-Identifier: BSD-2-Clause */
/* tap.h — two tap devices with the programs on them: what the test writes comes in, what it reads went out */
#ifndef GRAFT_TAP_H
#define GRAFT_TAP_H

#include <linux/virtio_net.h>

#include "rig.h"

struct tap {
	int fd;
	unsigned index;
	uint8_t mac[6];
};

/* What passes a tap: how it is to be summed up and cut, and the packet. */
struct frame {
	struct virtio_net_hdr v;
	struct wire w;
};

extern struct tap tap[2];

/* Setup of a group: rig_open, and both devices: 10.7.0.1/24 and 10.7.1.1/24. They have no neighbours to
 * ask for: whoever is behind one has its own address. */
int tap_open(void **state);
/* What the device is said to do by itself: then packets come out of it as they went in. */
void tap_offload(struct tap *t, bool yes);
void tap_put(struct tap *t, struct frame *f);
/* The next TCP packet that comes out of it; the kernel says more than that. False: none in 10 ms. */
bool tap_take(struct tap *t, struct frame *f);

#endif
