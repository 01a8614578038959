/* See detail.h. */
#include "tracer/align/detail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/abi.h"
#include "tracer/align/token.h"
#include "tracer/decode/decode.h"
#include "tracer/decode/model.h"

int details_want(struct details *d, uint32_t seq)
{
	if (d->len == d->size) {
		size_t size = d->size ? d->size * 2 : 64;
		struct detail *p = realloc(d->detail, size * sizeof(*p));

		if (!p)
			return -ENOMEM;
		d->detail = p;
		d->size = size;
	}
	d->detail[d->len++] = (struct detail){.seq = seq};
	return 0;
}

static int by_seq(const void *va, const void *vb)
{
	const struct detail *a = va, *b = vb;

	return (a->seq > b->seq) - (a->seq < b->seq);
}

static void sort_unique(struct details *d)
{
	size_t n = 0;

	if (d->len)
		qsort(d->detail, d->len, sizeof(*d->detail), by_seq);
	for (size_t i = 0; i < d->len; i++)
		if (!n || d->detail[n - 1].seq != d->detail[i].seq)
			d->detail[n++] = d->detail[i];
	d->len = n;
}

static void fill_fds(struct detail *d, const struct trace_event *ev, struct model *m)
{
	const struct abi_call *c = ev->kind <= TK_CALL_OPEN ? abi_call(ev->nr) : NULL;
	unsigned int nargs = c ? abi_nargs(c, ev->arg) : 0;

	for (unsigned int i = 0; i < nargs; i++) {
		const struct abi_arg *a = abi_resolve(c, i, ev->arg);
		const char *name = NULL;

		if (a->kind != AK_FD && a->kind != AK_DIRFD)
			continue;
		d->fd[i].word = tok_fd_word(m, ev->tid, (int32_t)ev->arg[i], &name);
		d->fd[i].name = name ? strdup(name) : NULL;
	}
}

static int fill(struct detail *d, const struct trace_event *ev, struct model *m)
{
	struct addr_info at;
	struct buf text = {0};

	d->ev = *ev;
	d->ev.payload = NULL;
	if (ev->payload_size) {
		uint8_t *copy = malloc(ev->payload_size);

		if (!copy)
			return -ENOMEM;
		memcpy(copy, ev->payload, ev->payload_size);
		d->ev.payload = copy;
	}
	decode_event(&text, ev, NULL);
	d->text = strdup(buf_str(&text));
	buf_fini(&text);
	if (ev->ip && model_addr(m, ev->tid, ev->ip, &at) && at.kind == ADDR_FILE &&
		at.name[0] == '/') {
		d->site_file = strdup(at.name);
		d->site_off = at.off;
	}
	fill_fds(d, ev, m);
	d->found = true;
	return d->text ? 0 : -ENOMEM;
}

int details_read(struct details *d, const char *path, struct err *e)
{
	struct trace *t = NULL;
	struct model *m = model_new();
	struct trace_event ev;
	size_t next = 0;
	int rc = m ? trace_open_flags(&t, path, TRACE_STREAM, e) : -ENOMEM;

	sort_unique(d);
	while (!rc && next < d->len && (rc = trace_next(t, &ev)) == 1) {
		rc = 0;
		if (ev.seq == d->detail[next].seq)
			rc = fill(&d->detail[next++], &ev, m);
		model_event(m, &ev);
	}
	trace_close(t);
	model_free(m);
	return rc == -EBADMSG ? 0 : rc;
}

const struct detail *details_get(const struct details *d, uint32_t seq)
{
	struct detail key = {.seq = seq}, *found;

	found = d->len ? bsearch(&key, d->detail, d->len, sizeof(key), by_seq) : NULL;
	return found && found->found ? found : NULL;
}

void details_fini(struct details *d)
{
	for (size_t i = 0; i < d->len; i++) {
		free((void *)d->detail[i].ev.payload);
		free(d->detail[i].text);
		free(d->detail[i].site_file);
		for (int k = 0; k < 6; k++)
			free(d->detail[i].fd[k].name);
	}
	free(d->detail);
	*d = (struct details){0};
}
