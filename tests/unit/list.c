/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/list.h"

struct item {
	int value;
	struct list in;
};

/* The values from the head on, and the ring is whole both ways. */
static void holds(struct list *head, const int *values, size_t n)
{
	struct list *node;
	size_t i = 0;

	list_each(node, head) {
		assert_true(i < n);
		assert_int_equal(list_of(node, struct item, in)->value, values[i++]);
		assert_ptr_equal(node->next->prev, node);
		assert_ptr_equal(node->prev->next, node);
	}
	assert_int_equal(i, n);
	assert_int_equal(list_empty(head), n == 0);
	assert_ptr_equal(list_first(head), n ? head->next : NULL);
}

static void an_empty_list_is_empty(void **state)
{
	struct list a, b = LIST_INIT(b);

	(void)state;
	list_init(&a);
	holds(&a, NULL, 0);
	holds(&b, NULL, 0);
	list_remove(&a);
	holds(&a, NULL, 0);
}

static void both_ends_can_be_added_to(void **state)
{
	struct item i[4] = { { .value = 0 }, { .value = 1 }, { .value = 2 }, { .value = 3 } };
	struct list head;

	(void)state;
	list_init(&head);
	list_add_tail(&head, &i[1].in);
	list_add_tail(&head, &i[2].in);
	list_add_head(&head, &i[0].in);
	list_add_tail(&head, &i[3].in);
	holds(&head, (const int[]){ 0, 1, 2, 3 }, 4);
	assert_ptr_equal(list_of(list_first(&head), struct item, in), &i[0]);
}

static void any_node_can_be_removed(void **state)
{
	struct item i[3] = { { .value = 0 }, { .value = 1 }, { .value = 2 } };
	struct list head;

	(void)state;
	for (int gone = 0; gone < 3; gone++) {
		list_init(&head);
		for (int k = 0; k < 3; k++)
			list_add_tail(&head, &i[k].in);
		list_remove(&i[gone].in);
		holds(&head, (const int[]){ gone == 0, gone == 2 ? 1 : 2 }, 2);
	}
}

static void a_removed_node_can_be_removed_and_added_again(void **state)
{
	struct item a = { .value = 1 }, b = { .value = 2 };
	struct list one, other;

	(void)state;
	list_init(&one);
	list_init(&other);
	list_add_tail(&one, &a.in);
	list_add_tail(&one, &b.in);
	list_remove(&a.in);
	list_remove(&a.in);
	holds(&one, (const int[]){ 2 }, 1);
	list_add_tail(&other, &a.in);
	holds(&other, (const int[]){ 1 }, 1);
	list_remove(&a.in);
	list_add_tail(&one, &a.in);
	holds(&one, (const int[]){ 2, 1 }, 2);
	holds(&other, NULL, 0);
}

/* Under ASan this dies if the walk touches what was freed. */
static void the_visited_node_may_be_freed(void **state)
{
	struct list head, *node, *keep;
	int visited = 0;

	(void)state;
	list_init(&head);
	for (int k = 0; k < 10; k++) {
		struct item *item = malloc(sizeof(*item));

		assert_non_null(item);
		item->value = k;
		list_add_tail(&head, &item->in);
	}
	list_each_safe(node, keep, &head) {
		struct item *item = list_of(node, struct item, in);

		assert_int_equal(item->value, visited++);
		list_remove(node);
		free(item);
	}
	assert_int_equal(visited, 10);
	assert_true(list_empty(&head));
}

static void the_first_can_be_taken_until_none_is_left(void **state)
{
	struct item i[3] = { { .value = 0 }, { .value = 1 }, { .value = 2 } };
	struct list head, *first;
	int n = 0;

	(void)state;
	list_init(&head);
	for (int k = 0; k < 3; k++)
		list_add_tail(&head, &i[k].in);
	while ((first = list_first(&head))) {
		assert_int_equal(list_of(first, struct item, in)->value, n++);
		list_remove(first);
	}
	assert_int_equal(n, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_list_is_empty),
		cmocka_unit_test(both_ends_can_be_added_to),
		cmocka_unit_test(any_node_can_be_removed),
		cmocka_unit_test(a_removed_node_can_be_removed_and_added_again),
		cmocka_unit_test(the_visited_node_may_be_freed),
		cmocka_unit_test(the_first_can_be_taken_until_none_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
