/* SPDX-License-Identifier: BSD-2-Clause */
/* graft_status.c — `shunt graft status`: folder by folder, as text or as JSON */
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/graft_cmd.h"
#include "cmd/graft_view.h"
#include "cmd/json.h"
#include "cmd/options.h"
#include "engine/graft_device.h"
#include "engine/graft_state.h"

enum { COLUMN = 32 }; /* of what counts mean */

static const struct {
	const char *text, *meaning;
} counts[GC_COUNTS] = {
#define COUNT(name, text, meaning) [name] = { text, meaning },
	GRAFT_COUNTS(COUNT)
#undef COUNT
};

static const struct {
	const char *text, *meaning;
} declines[GD_COUNT] = {
#define DECLINE(name, text, meaning) [name] = { text, meaning },
	GRAFT_DECLINES(DECLINE)
#undef DECLINE
};

struct devices {
	bool json;
	unsigned n;
	size_t at; /* column */
};

static void print_device(void *to, uint32_t ifindex, bool clsact)
{
	struct devices *d = to;
	char name[IF_NAMESIZE] = "", text[IF_NAMESIZE + 16];

	if (!if_indextoname(ifindex, name))
		return; /* it went a moment ago */
	if (d->json) {
		json_field(d->n++ ? ",{\"name\":" : "{\"name\":", name);
		json_field(",\"by\":", clsact ? "clsact" : "tcx");
		putchar('}');
		return;
	}
	snprintf(text, sizeof(text), "%s by %s", name, clsact ? "clsact" : "TCX");
	if (d->n++) {
		putchar(',');
		d->at++;
	}
	d->at = options_wrap(stdout, text, d->at, d->n == 1 ? d->at : 12);
}

static void print_counts(const struct graft_kernel *k)
{
	uint64_t n[GC_COUNTS];

	if (graft_kernel_counts(k, n) < 0)
		return;
	for (int i = 0; i < GC_COUNTS; i++) {
		if (!n[i])
			continue;
		printf("  %-16s %12llu ", counts[i].text, (unsigned long long)n[i]);
		options_wrap(stdout, counts[i].meaning, COLUMN, COLUMN);
		putchar('\n');
	}
}

static uint64_t declined(const struct graft_kernel *k, int why)
{
	return __atomic_load_n(&k->declined[why], __ATOMIC_RELAXED);
}

static void print_declines(const struct graft_kernel *k)
{
	bool any = false;

	for (int i = GD_NONE + 1; i < GD_COUNT; i++) {
		const uint64_t n = declined(k, i);

		if (!n)
			continue;
		if (!any)
			printf("  declined\n");
		any = true;
		printf("    %-14s %12llu ", declines[i].text, (unsigned long long)n);
		options_wrap(stdout, declines[i].meaning, COLUMN, COLUMN);
		putchar('\n');
	}
}

static void print_text(const struct graft_kernel *k, const struct graft_folder *f)
{
	struct devices d = { .at = 12 };
	unsigned n[VIEW_STATES];
	char user[32];

	printf("ports %u-%u: used by %s\n  kept in   %s\n", f->first, f->last, view_user(f, user),
	       f->dir);
	view_count(k, n);
	printf("  slots     %u of %u in use: %u live, %u draining, %u over, %u being made\n",
	       n[VIEW_LIVE] + n[VIEW_DRAINING] + n[VIEW_OVER] + n[VIEW_MAKING], k->slots,
	       n[VIEW_LIVE], n[VIEW_DRAINING], n[VIEW_OVER], n[VIEW_MAKING]);
	printf("  devices   ");
	if (graft_devices_each(k, print_device, &d) <= 0)
		printf("none has the programs");
	putchar('\n');
	print_counts(k);
	print_declines(k);
}

static void json_head(const struct graft_folder *f)
{
	printf("{\"ports\":\"%u-%u\"", f->first, f->last);
	json_field(",\"dir\":", f->dir);
	printf(",\"in_use\":%s,\"pid\":", f->user ? "true" : "false");
	if (f->user > 0)
		printf("%d", (int)f->user);
	else
		json_text(NULL);
}

static void print_json(const struct graft_kernel *k, const struct graft_folder *f)
{
	struct devices d = { .json = true };
	uint64_t count[GC_COUNTS];
	unsigned n[VIEW_STATES];

	json_head(f);
	view_count(k, n);
	printf(",\"slots\":%u", k->slots);
	for (int s = 0; s < VIEW_STATES; s++)
		printf(",\"%s\":%u", view_state_text((enum view_state)s), n[s]);
	printf(",\"devices\":[");
	graft_devices_each(k, print_device, &d);
	printf("],\"counts\":{");
	graft_kernel_counts(k, count);
	for (int i = 0; i < GC_COUNTS; i++)
		printf("%s\"%s\":%llu", i ? "," : "", counts[i].text, (unsigned long long)count[i]);
	printf("},\"declined\":{");
	for (int i = GD_NONE + 1; i < GD_COUNT; i++)
		printf("%s\"%s\":%llu", i > GD_NONE + 1 ? "," : "", declines[i].text,
		       (unsigned long long)declined(k, i));
	printf("}}");
}

static void print_problem(const struct graft_folder *f, const char *problem, bool json)
{
	char user[32];

	if (json) {
		json_head(f);
		json_field(",\"problem\":", problem);
		putchar('}');
		return;
	}
	printf("ports %u-%u: used by %s\n  ", f->first, f->last, view_user(f, user));
	size_t at = options_wrap(stdout, problem, 2, 2);

	if (!f->user)
		options_wrap(stdout, "(shunt graft detach removes it)", at, 2);
	putchar('\n');
}

int graft_status(const struct graft_folder *f, int n, bool json)
{
	int rc = CMD_FINE;

	if (json)
		printf("{\"folders\":[");
	for (int i = 0; i < n; i++) {
		struct graft_kernel k;
		char problem[512];

		if (i)
			fputs(json ? ",\n" : "\n", stdout);
		if (graft_kernel_look(&k, f[i].dir, problem, sizeof(problem)) < 0) {
			print_problem(&f[i], problem, json);
			rc = CMD_FATAL;
			continue;
		}
		if (json)
			print_json(&k, &f[i]);
		else
			print_text(&k, &f[i]);
		graft_kernel_close(&k);
	}
	if (json)
		printf("]}\n");
	return rc;
}
