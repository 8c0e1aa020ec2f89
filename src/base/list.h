/* SPDX-License-Identifier: BSD-2-Clause */
/* list.h — a ring of nodes that live in their owners
 *
 * Head and node are the same thing. A node that is in no list points to itself, as an empty head
 * does, so removing one twice is harmless and a removed node may be added again at once.
 *
 *	struct list *n;
 *	list_each(n, &head)
 *		visit(list_of(n, struct session, in_worker));
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(l)                                                                               \
	{                                                                                          \
		.next = &(l), .prev = &(l)                                                         \
	}

/* What a node lives in. */
#define list_of(node, type, member) ((type *)list_owner_((node), offsetof(type, member)))

static inline void *list_owner_(void *node, size_t offset)
{
	return (char *)node - offset;
}

/* The node visited must stay in the list. */
#define list_each(n, head) for ((n) = (head)->next; (n) != (head); (n) = (n)->next)

/* The node visited, and no other, may be removed or freed. */
#define list_each_safe(n, keep, head)                                                              \
	for ((n) = (head)->next, (keep) = (n)->next; (n) != (head);                                \
	     (n) = (keep), (keep) = (n)->next)

static inline void list_init(struct list *l)
{
	l->next = l;
	l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_put_between_(struct list *n, struct list *prev, struct list *next)
{
	n->prev = prev;
	n->next = next;
	prev->next = n;
	next->prev = n;
}

/* n must be in no list. */
static inline void list_add_tail(struct list *head, struct list *n)
{
	list_put_between_(n, head->prev, head);
}

static inline void list_add_head(struct list *head, struct list *n)
{
	list_put_between_(n, head, head->next);
}

static inline void list_remove(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

/* NULL: empty. */
static inline struct list *list_first(const struct list *head)
{
	return list_empty(head) ? NULL : head->next;
}

#endif
