/* SPDX-License-Identifier: BSD-2-Clause */
/* why.h — why a relayed connection ended: the one list
 *
 * Log, metrics, tests and manual all speak these words. "client" is who connected to us, "server"
 * whom we connected to.
 */
#ifndef BASE_WHY_H
#define BASE_WHY_H

#define WHY_LIST(X)                                                                                \
	X(DONE, "done", "both sides finished in order")                                            \
	X(CLIENT_RESET, "client-reset", "the client reset the connection")                         \
	X(SERVER_RESET, "server-reset", "the server reset the connection")                         \
	X(CLIENT_TIMEOUT, "client-timeout", "the client's machine stopped answering")              \
	X(SERVER_TIMEOUT, "server-timeout", "the server's machine stopped answering")              \
	X(REFUSED, "refused", "no target took the connection: nobody listens there")               \
	X(UNREACHABLE, "unreachable",                                                              \
	  "no target could be reached: no route, host or network down")                            \
	X(CONNECT_TIMEOUT, "connect-timeout", "no target answered within the connect timeout")     \
	X(IDLE, "idle", "no byte moved either way for the idle timeout")                           \
	X(HALF_CLOSED_TIMEOUT, "half-closed-timeout",                                              \
	  "one side had finished, and the other neither sent nor finished in time")                \
	X(DRAIN, "drain", "it was still running when the drain timeout was over")                  \
	X(STOP, "stop", "shunt was told to stop")                                                  \
	X(LEFT, "left", "shunt ended, and left it to the kernel as a graft")                       \
	X(CLIENT_GONE, "client-gone", "the client left before a target had answered")              \
	X(NO_ROUTE, "no-route", "what it began with matches no route, and there is no default")    \
	X(BAD_HEAD, "bad-head", "its first bytes are not what they must be; reason= says why")     \
	X(HEAD_TIMEOUT, "head-timeout", "its head was not complete within the head timeout")       \
	X(SILENT, "silent", "the client said nothing in time, and nobody takes such clients")      \
	X(PER_CLIENT, "per-client", "there were as many from its address as there may be")         \
	X(SERVERS_DOWN, "servers-down", "checks had found all servers down")                       \
	X(BACKEND_FULL, "backend-full", "the backend had max_connections")                         \
	X(UNRESOLVED, "unresolved", "no server's name had an address")                             \
	X(LAG, "lag", "the subscriber was further behind than may be")                             \
	X(SOURCE_LOST, "source-lost", "the stream's source was cut off, and subscribers with it")  \
	X(NO_FDS, "no-fds", "no file descriptors were left for it")                                \
	X(NO_MEMORY, "no-memory", "no memory was left for it")                                     \
	X(ERROR, "error", "something else; error= in its line says what")

/* clang-format takes the list for the head of a function. */
/* clang-format off */
enum why {
	WHY_NONE, /* it has not ended */
#define WHY_ENUM(name, text, explain) WHY_##name,
	WHY_LIST(WHY_ENUM)
#undef WHY_ENUM
	WHYS /* how many there are, for arrays by reason */
};
/* clang-format on */

/* "client-reset": for logs and metrics; "none" for WHY_NONE and whatever is not in the list. */
const char *why_text(enum why why);

/* One line for people. */
const char *why_explain(enum why why);

#endif
