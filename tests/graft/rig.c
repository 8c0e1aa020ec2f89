/* SPDX-License-Identifier: BSD-2-Clause */
#include "rig.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* Made by bpftool, and not by our rules. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <engine/graft.skel.h>
#pragma GCC diagnostic pop

struct rig rig;

static struct shunt_prog *prog;
static struct ring_buffer *ring;
static int t4, t6, counts, devices, cpus;
static uint64_t counted_before[GC_COUNTS];
static struct graft_event events[64];
static unsigned events_here;

/* -- opening -- */

static _Noreturn void cannot(const char *what)
{
	print_message("skipped: %s: %s\n", what, strerror(errno));
	exit(77);
}

static void own_namespace(void)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	if (geteuid() != 0) {
		print_message("skipped: loading programs into the kernel needs root\n");
		exit(77);
	}
	if (unshare(CLONE_NEWNET))
		cannot("a network namespace");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &r))
		cannot("lo up");
	close(fd);
}

static int on_event(void *ctx, void *data, size_t size)
{
	(void)ctx;
	assert_int_equal(size, sizeof(struct graft_event));
	if (events_here < sizeof(events) / sizeof(events[0]))
		memcpy(&events[events_here++], data, sizeof(struct graft_event));
	return 0;
}

static int program(const struct bpf_program *p)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(p), &info, &len))
		cannot(bpf_program__name(p));
	print_message("%s: %u instructions verified, %u bytes translated\n", bpf_program__name(p),
		      info.verified_insns, info.xlated_prog_len);
	return bpf_program__fd(p);
}

/* BPF_F_IPV6 is known: since 6.16, and to some stable kernels before. */
static bool knows_ipv6_flag(void)
{
	unsigned major = 0, minor = 0;
	struct utsname u;

	return uname(&u) == 0 && sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 16));
}

static void load(void)
{
	prog = shunt_prog__open();
	if (!prog)
		cannot("the program");
	if (knows_ipv6_flag())
		prog->rodata->sum6_flags |= 1u << 7;
	bpf_map__set_max_entries(prog->maps.shunt_slots, MODEL_SLOTS);
	bpf_map__set_max_entries(prog->maps.shunt_t4, 2 * MODEL_SLOTS);
	bpf_map__set_max_entries(prog->maps.shunt_t6, 2 * MODEL_SLOTS);
	if (shunt_prog__load(prog)) {
		if (errno == EPERM || errno == ENOSYS || access("/sys/kernel/btf/vmlinux", R_OK))
			cannot("loading the program");
		fail_msg("the program does not load: %s", strerror(errno));
	}
}

static void *mapped(int fd, size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		cannot("mapping a map");
	return p;
}

int rig_open(void **state)
{
	(void)state;
	own_namespace();
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	load();
	rig.in = program(prog->progs.shunt_graft_in);
	rig.out = program(prog->progs.shunt_graft_out);
	t4 = bpf_map__fd(prog->maps.shunt_t4);
	t6 = bpf_map__fd(prog->maps.shunt_t6);
	counts = bpf_map__fd(prog->maps.shunt_counts);
	devices = bpf_map__fd(prog->maps.shunt_devices);
	cpus = libbpf_num_possible_cpus();
	rig.slot = mapped(bpf_map__fd(prog->maps.shunt_slots),
			  sizeof(struct graft_slot) * MODEL_SLOTS);
	rig.strip = mapped(bpf_map__fd(prog->maps.shunt_ports), GRAFT_PORTS);
	ring = ring_buffer__new(bpf_map__fd(prog->maps.shunt_events), on_event, NULL, NULL);
	if (!ring)
		cannot("the ring buffer");
	return 0;
}

int rig_close(void **state)
{
	(void)state;
	print_message("%u packets\n", rig.runs);
	ring_buffer__free(ring);
	shunt_prog__destroy(prog);
	return 0;
}

void rig_device(unsigned ifindex, bool has)
{
	uint32_t key = ifindex, one = 1;

	if (has)
		assert_int_equal(bpf_map_update_elem(devices, &key, &one, BPF_ANY), 0);
	else
		bpf_map_delete_elem(devices, &key);
}

/* -- tuples -- */

union key {
	struct graft_key4 v4;
	struct graft_key6 v6;
};

/* Returns the map it belongs to. */
static int key_of(union key *k, const struct tuple *t)
{
	memset(k, 0, sizeof(*k));
	if (!t->v6) {
		k->v4 = (struct graft_key4){ t->from[0], t->to[0], t->from_port, t->to_port };
		return t4;
	}
	memcpy(k->v6.from, t->from, sizeof(k->v6.from));
	memcpy(k->v6.to, t->to, sizeof(k->v6.to));
	k->v6.from_port = t->from_port;
	k->v6.to_port = t->to_port;
	return t6;
}

static void empty(int fd)
{
	union key k;

	while (bpf_map_get_next_key(fd, NULL, &k) == 0)
		assert_int_equal(bpf_map_delete_elem(fd, &k), 0);
}

uint64_t rig_counted(enum graft_count what)
{
	static uint64_t each[4096];
	uint64_t sum = 0, fresh;
	uint32_t key = what;

	assert_true(cpus <= 4096);
	assert_int_equal(bpf_map_lookup_elem(counts, &key, each), 0);
	for (int i = 0; i < cpus; i++)
		sum += each[i];
	fresh = sum - counted_before[what];
	counted_before[what] = sum;
	return fresh;
}

unsigned rig_events(struct graft_event *e, unsigned most)
{
	unsigned n;

	ring_buffer__consume(ring);
	n = events_here < most ? events_here : most;
	memcpy(e, events, n * sizeof(*e));
	events_here = 0;
	return n;
}

void rig_put(void)
{
	struct graft_event e;

	empty(t4);
	empty(t6);
	memcpy(rig.slot, rig.m.slot, sizeof(rig.m.slot));
	memcpy(rig.strip, rig.m.strip, sizeof(rig.m.strip));
	for (unsigned i = 0; i < MODEL_SLOTS; i++)
		for (unsigned x = 0; x < 2; x++) {
			struct tuple t = model_tuple(&rig.m, i, x);
			uint32_t ref = i << 1 | x;
			union key k;
			int fd = key_of(&k, &t);

			if (rig.m.listed[i][x])
				assert_int_equal(bpf_map_update_elem(fd, &k, &ref, BPF_NOEXIST), 0);
		}
	rig_events(&e, 1);
	for (unsigned i = 0; i < GC_COUNTS; i++)
		rig_counted(i);
}

static void same_tuples(void)
{
	for (unsigned i = 0; i < MODEL_SLOTS; i++)
		for (unsigned x = 0; x < 2; x++) {
			struct tuple t = model_tuple(&rig.m, i, x);
			uint32_t ref;
			union key k;
			int fd = key_of(&k, &t);

			if (rig.m.slot[i].state != SLOT_FREE)
				assert_int_equal(bpf_map_lookup_elem(fd, &k, &ref) == 0,
						 rig.m.listed[i][x]);
		}
}

/* -- running -- */

int rig_run(int fd, struct wire *w)
{
	static uint8_t out[WIRE_ROOM];
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = w->b, .data_out = out, .repeat = 1,
		    .data_size_in = (uint32_t)w->len, .data_size_out = sizeof(out), );

	rig.runs++;
	if (bpf_prog_test_run_opts(fd, &o))
		fail_msg("a test run with %zu bytes: %s", w->len, strerror(errno));
	w->len = o.data_size_out;
	memcpy(w->b, out, w->len);
	return (int)o.retval;
}

/* -- beside the model -- */

static const char *count_name(unsigned i)
{
#define GC_TEXT(name, text, meaning) text,
	static const char *const names[] = { GRAFT_COUNTS(GC_TEXT) };
#undef GC_TEXT
	return names[i];
}

static void same_counts(void)
{
	for (unsigned i = 0; i < GC_COUNTS; i++) {
		uint64_t n = rig_counted(i);

		if (n != rig.m.counts[i])
			fail_msg("count %s: %lu, should be %lu", count_name(i), (unsigned long)n,
				 (unsigned long)rig.m.counts[i]);
	}
}

static void same_events(void)
{
	struct graft_event e[MODEL_EVENTS];
	unsigned n = rig_events(e, MODEL_EVENTS);

	assert_int_equal(n, rig.m.events);
	assert_memory_equal(e, rig.m.event, n * sizeof(e[0]));
}

/* A time that the model calls "now" must lie between before the run and now; the model takes it over. */
static void same_time(__u64 *model, uint64_t real)
{
	struct timespec t;
	uint64_t now;

	if (*model != MODEL_NOW)
		return;
	clock_gettime(CLOCK_MONOTONIC, &t);
	now = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	assert_true(real <= now && real + 1000000000 > now);
	*model = real;
}

#define SAME(field)                                                                                \
	do {                                                                                       \
		if (m->field != r->field)                                                          \
			fail_msg("%s: %lu, should be %lu", #field, (unsigned long)r->field,        \
				 (unsigned long)m->field);                                         \
	} while (0)

static void same_side(struct graft_side *m, const struct graft_side *r)
{
	same_time(&m->last, r->last);
	same_time(&m->rst_at, r->rst_at);
	SAME(ack);
	SAME(edge);
	SAME(next);
	SAME(fin_end);
	SAME(seen);
	SAME(bytes);
	SAME(packets);
	SAME(last);
	SAME(rst_at);
	assert_memory_equal(m, r, sizeof(*m));
}

static void same_slots(void)
{
	for (unsigned i = 0; i < MODEL_SLOTS; i++) {
		struct graft_slot *m = &rig.m.slot[i], *r = &rig.slot[i];

		same_time(&m->closed_at, r->closed_at);
		SAME(state);
		SAME(closed_at);
		SAME(refusal);
		SAME(refusals);
		same_side(&m->side[0], &r->side[0]);
		same_side(&m->side[1], &r->side[1]);
		assert_memory_equal(m, r, sizeof(*m));
	}
}

static void same_bytes(const struct wire *is, const struct wire *should)
{
	assert_int_equal(is->len, should->len);
	for (size_t i = 0; i < is->len; i++)
		if (is->b[i] != should->b[i])
			fail_msg(
				"byte %zu of %zu (IP from %d, TCP from %zu on): %02x, should be %02x",
				i, is->len, ETH, wire_l4(should), is->b[i], should->b[i]);
}

static int both(int fd, int (*model)(struct model *, struct wire *), struct wire *w)
{
	static struct wire should;
	int verdict, expected;

	should.len = w->len;
	memcpy(should.b, w->b, w->len);
	expected = model(&rig.m, &should);
	verdict = rig_run(fd, w);
	assert_int_equal(verdict, expected);
	if (verdict != VERDICT_DROP)
		same_bytes(w, &should);
	same_counts();
	same_events();
	same_slots();
	same_tuples();
	return verdict;
}

int rig_in(struct wire *w)
{
	return both(rig.in, model_in, w);
}

int rig_out(struct wire *w)
{
	return both(rig.out, model_out, w);
}
