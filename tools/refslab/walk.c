// SPDX-License-Identifier: GPL-2.0
#include <err.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <refslab.h>
#include "printable.h"
#include "progress.h"
#include "walk.h"

#define LABEL_MAX	64	/* bytes of a payload that are looked at */

static bool failed(const struct walk *walk, const char *what, int err)
{
	if (err == -EINTR && *walk->stop)
		return false;
	progress_end();
	warnx("%s: %s", what, refslab_strerror(err));
	return false;
}

static const char *type_name(struct walk *walk, uint32_t number)
{
	struct refslab_type_info info;
	size_t i;

	for (i = 0; i < walk->types; i++)
		if (walk->type[i].number == number)
			return walk->type[i].name;
	/* Of a type that has objects, so it cannot go. */
	if (walk->types == REFSLAB_INSPECT_MAX ||
	    refslab_type_info(walk->fd, number, &info))
		return "?";
	walk->type[walk->types].number = number;
	memcpy(walk->type[walk->types].name, info.name, sizeof(info.name));
	return walk->type[walk->types++].name;
}

/* A payload that begins with printable text says best what the object is. */
static char *text_of(const struct walk *walk, uint64_t handle, uint32_t payload)
{
	char text[LABEL_MAX + 1];
	size_t length = payload < LABEL_MAX ? payload : LABEL_MAX, i, cut = 0;
	json_t *valid = NULL;

	if (!length || refslab_read(walk->fd, handle, 0, text, length))
		return NULL;
	if (!memchr(text, '\0', length))
		cut = 3;	/* perhaps in the middle of a character */
	text[length] = '\0';
	if (!is_printable(text))
		return NULL;
	length = strlen(text);
	/* Valid UTF-8 is what is a string in JSON. */
	for (i = 0; i <= cut && length && !valid; i++) {
		valid = json_stringn(text, length);
		if (!valid)
			text[--length] = '\0';
	}
	if (!valid)
		return NULL;
	json_decref(valid);
	return strdup(text);
}

/* Room for one more node, and for the one behind the last. */
static bool make_room(struct walk *walk, size_t *room)
{
	struct walk_node *nodes;

	if (walk->nodes + 1 < *room)
		return true;
	nodes = reallocarray(walk->node, 2 * *room + 2, sizeof(*nodes));
	if (!nodes)
		return failed(walk, "objects", -ENOMEM);
	walk->node = nodes;
	*room = 2 * *room + 2;
	return true;
}

static bool add_node(struct walk *walk, uint64_t handle, bool numbers)
{
	struct walk_node *node = &walk->node[walk->nodes++];
	struct refslab_object_info info;
	int err;

	*node = (struct walk_node) { .handle = handle };
	err = refslab_object_info(walk->fd, handle, &info);
	if (err)
		return failed(walk, "looking at an object", err);
	node->object = info.object;
	node->generation = info.generation;
	node->slots = info.slots;
	node->count = info.count - 1;
	node->type = type_name(walk, info.type);
	if (!numbers)
		node->label = text_of(walk, handle, info.payload);
	if (!node->label &&
	    asprintf(&node->label, "%s-%u", node->type, node->object) < 0) {
		node->label = NULL;
		return failed(walk, "an object", -ENOMEM);
	}
	return true;
}

static void close_handles(const struct walk *walk, const uint64_t *handles, uint32_t n)
{
	while (n)
		refslab_close(walk->fd, handles[--n]);
}

static bool find_nodes(struct walk *walk, size_t max, bool numbers)
{
	uint64_t handles[REFSLAB_INSPECT_MAX], cursor = 0;
	uint32_t count, i;
	size_t room = 0;
	int err;

	walk->type = calloc(REFSLAB_INSPECT_MAX, sizeof(*walk->type));
	if (!walk->type)
		return failed(walk, "objects", -ENOMEM);
	if (!make_room(walk, &room))
		return false;
	progress_begin("looking for objects", 0);
	do {
		/* One more than there is room for, to know whether there is more. */
		count = max - walk->nodes < REFSLAB_INSPECT_MAX ?
			max - walk->nodes + 1 : REFSLAB_INSPECT_MAX;
		err = refslab_objects(walk->fd, 0, REFSLAB_GENERATION_ANY, &cursor,
				     handles, &count);
		if (err)
			return failed(walk, "looking for objects", err);
		for (i = 0; i < count && walk->nodes < max; i++) {
			if (!make_room(walk, &room)) {
				close_handles(walk, handles + i, count - i);
				return false;
			}
			if (!add_node(walk, handles[i], numbers)) {
				close_handles(walk, handles + i + 1, count - i - 1);
				return false;
			}
			progress_at(walk->nodes);
		}
		if (i < count) {
			close_handles(walk, handles + i, count - i);
			walk->complete = false;
			break;
		}
	} while (cursor && !*walk->stop);
	progress_end();
	return !*walk->stop;
}

static int by_label(const void *a, const void *b)
{
	const struct walk_node *one = a, *other = b;
	int order = strcmp(one->label, other->label);

	return order ? order : (one->object > other->object) - (one->object < other->object);
}

struct numbered {
	uint32_t object;
	size_t node;
};

static int by_object(const void *a, const void *b)
{
	const struct numbered *one = a, *other = b;

	return (one->object > other->object) - (one->object < other->object);
}

static bool add_edge(struct walk *walk, size_t *room, uint32_t slot, size_t to)
{
	struct walk_edge *edges;

	if (walk->edges == *room) {
		*room = *room ? 2 * *room : 1024;
		edges = reallocarray(walk->edge, *room, sizeof(*edges));
		if (!edges)
			return failed(walk, "edges", -ENOMEM);
		walk->edge = edges;
	}
	walk->edge[walk->edges++] = (struct walk_edge) { slot, to };
	walk->node[to].referred++;
	return true;
}

/*
 * The node of a handle, which is closed: @found is NULL if it is none of them,
 * for they may not be all, or be older.
 */
static bool find_node(const struct walk *walk, uint64_t handle,
		      const struct numbered *index, const struct numbered **found)
{
	struct refslab_object_info info;
	int err = refslab_object_info(walk->fd, handle, &info);
	struct numbered key;

	refslab_close(walk->fd, handle);
	if (err)
		return failed(walk, "looking at an object", err);
	key.object = info.object;
	*found = bsearch(&key, index, walk->nodes, sizeof(key), by_object);
	return true;
}

static bool look_into(struct walk *walk, size_t *room, const struct walk_node *node,
		      uint32_t slot, const struct numbered *index)
{
	const struct numbered *found;
	uint64_t target;
	int err;

	err = refslab_slot_load(walk->fd, node->handle, slot, &target);
	/* What has all references it may have is not among what was found. */
	if (err == -EOVERFLOW)
		return true;
	if (err)
		return failed(walk, "looking into a slot", err);
	if (!target)
		return true;
	return find_node(walk, target, index, &found) &&
	       (!found || add_edge(walk, room, slot, found->node));
}

static bool add_root(struct walk *walk, const char *name, size_t to)
{
	struct walk_root *roots = reallocarray(walk->root, walk->roots + 1, sizeof(*roots));

	if (!roots)
		return failed(walk, "roots", -ENOMEM);
	walk->root = roots;
	memcpy(roots[walk->roots].name, name, sizeof(roots->name));
	roots[walk->roots++].to = to;
	return true;
}

static bool find_roots(struct walk *walk, const struct numbered *index)
{
	char name[REFSLAB_NAME_MAX] = "";
	const struct numbered *found;
	uint64_t handle;
	int err;

	while (!(err = refslab_root_next(walk->fd, name))) {
		err = refslab_root_get(walk->fd, name, &handle);
		/* Taken away since, or, as in look_into(), none that was found. */
		if (err == -ENOENT || err == -EOVERFLOW)
			continue;
		if (err)
			break;
		if (!find_node(walk, handle, index, &found) ||
		    (found && !add_root(walk, name, found->node)))
			return false;
	}
	return err == -ENOENT || failed(walk, "looking for roots", err);
}

static bool find_edges(struct walk *walk)
{
	struct numbered *index = calloc(walk->nodes + 1, sizeof(*index));
	bool good = index;
	size_t room = 0, i;
	uint32_t slot;

	if (!good)
		return failed(walk, "edges", -ENOMEM);
	for (i = 0; i < walk->nodes; i++)
		index[i] = (struct numbered) { walk->node[i].object, i };
	qsort(index, walk->nodes, sizeof(*index), by_object);
	good = find_roots(walk, index);
	progress_begin("looking into slots", walk->nodes);
	for (i = 0; i < walk->nodes && good; i++) {
		walk->node[i].first = walk->edges;
		for (slot = 0; slot < walk->node[i].slots && good; slot++)
			good = look_into(walk, &room, &walk->node[i], slot, index) &&
			       !*walk->stop;
		progress_at(i);
	}
	walk->node[walk->nodes].first = walk->edges;
	progress_end();
	free(index);
	return good;
}

/* Nothing of this knows how deep the graph is: the stacks are arrays. */
struct tarjan {
	size_t *stack, *path;	/* open nodes, and the path that is gone */
	size_t *next;		/* of each node: the edge to go on with */
	uint32_t *number, *low;	/* of each node: when it was met, from 1 */
	uint32_t *of;		/* its strongly connected component, from 1 */
};

static bool has_loop(const struct walk *walk, size_t node)
{
	size_t edge;

	for (edge = walk->node[node].first; edge < walk->node[node + 1].first; edge++)
		if (walk->edge[edge].to == node)
			return true;
	return false;
}

static void components(const struct walk *walk, struct tarjan *t)
{
	uint32_t met = 0, component = 0;
	size_t top = 0, depth, start, node, to;

	for (start = 0; start < walk->nodes; start++) {
		if (t->number[start])
			continue;
		depth = 0;
		t->path[depth++] = start;
		while (depth) {
			node = t->path[depth - 1];
			if (!t->number[node]) {
				t->number[node] = t->low[node] = ++met;
				t->next[node] = walk->node[node].first;
				t->stack[top++] = node;
			}
			if (t->next[node] < walk->node[node + 1].first) {
				to = walk->edge[t->next[node]].to;
				if (!t->number[to]) {
					t->path[depth++] = to;
					continue;
				}
				if (!t->of[to] && t->low[to] < t->low[node])
					t->low[node] = t->low[to];
				t->next[node]++;
				continue;
			}
			depth--;
			if (t->low[node] != t->number[node])
				continue;
			component++;
			do {
				to = t->stack[--top];
				t->of[to] = component;
			} while (to != node);
		}
	}
}

/* Cycles have numbers in the order of the nodes, so that they come out the same. */
static bool find_cycles(struct walk *walk)
{
	size_t n = walk->nodes + 1, i;
	uint32_t *size = calloc(n + 1, sizeof(*size)), *cycle = calloc(n + 1, sizeof(*cycle));
	struct tarjan t = {
		calloc(n, sizeof(*t.stack)), calloc(n, sizeof(*t.path)),
		calloc(n, sizeof(*t.next)), calloc(n, sizeof(*t.number)),
		calloc(n, sizeof(*t.low)), calloc(n, sizeof(*t.of)),
	};
	bool good = size && cycle && t.stack && t.path && t.next && t.number &&
		    t.low && t.of;

	if (good) {
		components(walk, &t);
		for (i = 0; i < walk->nodes; i++)
			size[t.of[i]]++;
		for (i = 0; i < walk->nodes; i++) {
			if (size[t.of[i]] < 2 && !has_loop(walk, i))
				continue;
			if (!cycle[t.of[i]])
				cycle[t.of[i]] = ++walk->cycles;
			walk->node[i].cycle = cycle[t.of[i]];
		}
	} else {
		failed(walk, "cycles", -ENOMEM);
	}
	free(size);
	free(cycle);
	free(t.stack);
	free(t.path);
	free(t.next);
	free(t.number);
	free(t.low);
	free(t.of);
	return good;
}

static bool find_garbage(struct walk *walk)
{
	size_t *stack = calloc(walk->nodes + 1, sizeof(*stack)), top = 0, i, edge, to;

	if (!stack)
		return failed(walk, "garbage", -ENOMEM);
	for (i = 0; i < walk->nodes; i++) {
		walk->node[i].held = walk->node[i].count > walk->node[i].referred;
		walk->node[i].garbage = !walk->node[i].held;
		if (walk->node[i].held)
			stack[top++] = i;
	}
	while (top) {
		i = stack[--top];
		for (edge = walk->node[i].first; edge < walk->node[i + 1].first; edge++) {
			to = walk->edge[edge].to;
			if (walk->node[to].garbage) {
				walk->node[to].garbage = false;
				stack[top++] = to;
			}
		}
	}
	free(stack);
	return true;
}

bool walk_heap(struct walk *walk, int fd, size_t max, bool numbers,
	       const volatile int *stop)
{
	bool good;
	size_t i;

	*walk = (struct walk) { .fd = fd, .stop = stop, .complete = true };
	good = find_nodes(walk, max, numbers);
	if (good) {
		qsort(walk->node, walk->nodes, sizeof(*walk->node), by_label);
		good = find_edges(walk);
	}
	progress_end();
	/* The session may be another program's, which is to get it back as it was. */
	for (i = 0; i < walk->nodes; i++)
		refslab_close(fd, walk->node[i].handle);
	return good && find_cycles(walk) && (!walk->complete || find_garbage(walk));
}

void walk_free(struct walk *walk)
{
	size_t i;

	for (i = 0; i < walk->nodes; i++)
		free(walk->node[i].label);
	free(walk->node);
	free(walk->edge);
	free(walk->root);
	free(walk->type);
}
