/* SPDX-License-Identifier: BSD-2-Clause */
/* splice(socket → pipe) says EAGAIN when the socket is empty, and it says the same EAGAIN when the
 * pipe is full. Only with an empty pipe does it mean "the socket is empty": so drain first.
 */
#include "belief.h"

static void story(int family)
{
	char byte = 'x';
	int s[2], p[2];

	tcp_pair(family, s);
	pipe_pair(p);

	believe_is(pull(s[1], p[1], 65536), -EAGAIN, "EAGAIN: pipe empty, socket empty");

	must(give(s[0], "abc", 3, 0) == 3);
	must(within(queued(s[1]) == 3));
	must(stuff(p[1], SIZE_MAX) > 0);
	believe_is(pull(s[1], p[1], 65536), -EAGAIN,
		   "EAGAIN: pipe full, three bytes in the socket");
	believe_is(queued(s[1]), 3, "and the three bytes are still there");

	close_both(p);
	pipe_pair(p);
	believe_is(pull(s[1], p[1], 65536), 3, "with an empty pipe splice takes all that is there");
	believe_is(pull(s[1], p[1], 65536), -EAGAIN,
		   "EAGAIN: a residue in the pipe, socket empty: the same answer once more");
	must(read(p[0], &byte, 1) == 1 && byte == 'a');

	close_both(p);
	close_both(s);
}

int main(void)
{
	belief_begin();
	each_family(story);
	return belief_end();
}
