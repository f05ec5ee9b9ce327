// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge_list.h"
#include "printable.h"
#include "progress.h"

#define SPACES		" \t\r\n\v\f"
#define COMPLAINTS_MAX	10

struct named {
	const char *name;
	uint32_t node;
};

struct reader {
	struct graph *graph;
	uint64_t line;
	unsigned int complaints;
	struct { uint32_t source, target; } *edge;
	uint64_t edge_room;
	uint64_t node_room;
};

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name,
		      ((const struct named *)b)->name);
}

/* Every mistake at once spares the user a run for each; a flood helps nobody. */
static void complain(struct reader *reader, const char *text, const char *token)
{
	if (reader->complaints++ < COMPLAINTS_MAX)
		fprintf(stderr, "%s:%llu: %s%s%.40s%s\n", reader->graph->file,
			(unsigned long long)reader->line, text,
			token ? ": '" : "", token ? printable(token) : "",
			token ? "'" : "");
}

static bool grow(void **array, size_t size, uint64_t room)
{
	void *larger = reallocarray(*array, room, size);

	if (larger)
		*array = larger;
	return larger;
}

static bool no_memory(const struct graph *graph)
{
	fprintf(stderr, "%s: no memory for the graph\n", graph->file);
	return false;
}

static bool intern(struct reader *reader, const char *name, uint32_t *node)
{
	struct graph *graph = reader->graph;
	struct named key = { .name = name }, *entry, **found;

	found = tsearch(&key, &graph->index, compare);
	if (!found)
		return no_memory(graph);
	if (*found != &key) {
		*node = (*found)->node;
		return true;
	}
	/* The tree holds the key on the stack now; put its own in its place. */
	entry = malloc(sizeof(*entry));
	if (entry && graph->nodes == reader->node_room) {
		reader->node_room = reader->node_room ? 2 * reader->node_room : 1024;
		if (!grow((void **)&graph->name, sizeof(*graph->name),
			  reader->node_room)) {
			free(entry);
			entry = NULL;
		}
	}
	if (entry)
		graph->name[graph->nodes] = strdup(name);
	if (!entry || !graph->name[graph->nodes]) {
		free(entry);
		tdelete(&key, &graph->index, compare);
		return no_memory(graph);
	}
	entry->name = graph->name[graph->nodes];
	entry->node = graph->nodes++;
	*found = entry;
	*node = entry->node;
	return true;
}

static bool add_edge(struct reader *reader, uint32_t source, uint32_t target)
{
	struct graph *graph = reader->graph;

	if (graph->edges == reader->edge_room) {
		reader->edge_room = reader->edge_room ? 2 * reader->edge_room : 4096;
		if (!grow((void **)&reader->edge, sizeof(*reader->edge),
			  reader->edge_room))
			return no_memory(graph);
	}
	reader->edge[graph->edges].source = source;
	reader->edge[graph->edges++].target = target;
	return true;
}

/* Returns false only where it makes no sense to go on. */
static bool read_line(struct reader *reader, char *line, size_t length)
{
	char *token, *rest = NULL, *tokens[2];
	uint32_t source, target;
	unsigned int n = 0;

	if (strlen(line) != length) {
		complain(reader, "a zero byte", NULL);
		return true;
	}
	for (token = strtok_r(line, SPACES, &rest); token && *token != '#';
	     token = strtok_r(NULL, SPACES, &rest)) {
		if (n == 2) {
			complain(reader, "more than two names", token);
			return true;
		}
		if (strlen(token) > GRAPH_NAME_MAX) {
			complain(reader, "a name of more than 255 bytes", token);
			return true;
		}
		tokens[n++] = token;
	}
	/* Once there is a mistake nothing is built, so only mistakes matter. */
	if (!n || reader->complaints)
		return true;
	if (reader->graph->nodes >= UINT32_MAX - 2) {
		complain(reader, "more nodes than this program can number", NULL);
		return false;
	}
	if (!intern(reader, tokens[0], &source))
		return false;
	if (n == 1)
		return true;
	return intern(reader, tokens[1], &target) &&
	       add_edge(reader, source, target);
}

/* Sorts the edges by source, in the order they came: a counting sort. */
static bool index_edges(struct reader *reader)
{
	struct graph *graph = reader->graph;
	uint64_t *next, edge;
	uint32_t node;

	graph->first = calloc((size_t)graph->nodes + 1, sizeof(*graph->first));
	graph->target = calloc(graph->edges + 1, sizeof(*graph->target));
	graph->indegree = calloc((size_t)graph->nodes + 1, sizeof(*graph->indegree));
	next = calloc((size_t)graph->nodes + 1, sizeof(*next));
	if (!graph->first || !graph->target || !graph->indegree || !next) {
		free(next);
		return no_memory(graph);
	}
	for (edge = 0; edge < graph->edges; edge++) {
		graph->first[reader->edge[edge].source + 1]++;
		graph->indegree[reader->edge[edge].target]++;
	}
	for (node = 0; node < graph->nodes; node++) {
		graph->first[node + 1] += graph->first[node];
		next[node] = graph->first[node];
	}
	for (edge = 0; edge < graph->edges; edge++)
		graph->target[next[reader->edge[edge].source]++] =
			reader->edge[edge].target;
	free(next);
	return true;
}

static bool read_all(struct reader *reader, FILE *input,
		     const volatile int *stop)
{
	struct graph *graph = reader->graph;
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	bool good = true;

	progress_begin("reading lines", 0);
	while (good && !*stop && (length = getline(&line, &room, input)) >= 0) {
		reader->line++;
		good = read_line(reader, line, length);
		progress_at(reader->line);
	}
	progress_end();
	free(line);
	if (*stop)
		return false;
	if (good && ferror(input)) {
		fprintf(stderr, "%s: %s\n", graph->file, strerror(errno));
		good = false;
	}
	if (reader->complaints > COMPLAINTS_MAX)
		fprintf(stderr, "%s: and %u more\n", graph->file,
			reader->complaints - COMPLAINTS_MAX);
	return good && !reader->complaints;
}

bool graph_read(struct graph *graph, const char *file, const volatile int *stop)
{
	struct reader reader = { .graph = graph };
	bool standard = !strcmp(file, "-"), good;
	FILE *input = standard ? stdin : fopen(file, "re");

	*graph = (struct graph) { .file = standard ? "standard input" : file };
	if (!input) {
		fprintf(stderr, "%s: %s\n", file, strerror(errno));
		return false;
	}
	good = read_all(&reader, input, stop) && index_edges(&reader);
	if (!standard)
		fclose(input);
	free(reader.edge);
	if (!good)
		graph_free(graph);
	return good;
}

void graph_free(struct graph *graph)
{
	uint32_t node;

	tdestroy(graph->index, free);
	for (node = 0; node < graph->nodes; node++)
		free(graph->name[node]);
	free(graph->name);
	free(graph->first);
	free(graph->target);
	free(graph->indegree);
	*graph = (struct graph) { 0 };
}

bool graph_find(const struct graph *graph, const char *name, uint32_t *node)
{
	struct named key = { .name = name }, **found;

	found = tfind(&key, &graph->index, compare);
	if (found)
		*node = (*found)->node;
	return found;
}

bool graph_predict(const struct graph *graph, const bool *root,
		   struct graph_fate *fate)
{
	uint32_t *stack = calloc((size_t)graph->nodes + 1, sizeof(*stack));
	uint32_t *count = calloc((size_t)graph->nodes + 1, sizeof(*count));
	bool *kept = calloc((size_t)graph->nodes + 1, sizeof(*kept));
	bool good = stack && count && kept;
	uint32_t node, target, top = 0;
	uint64_t edge;

	*fate = (struct graph_fate) { 0 };
	if (!good)
		goto out;

	/* What the roots reach stays. */
	for (node = 0; node < graph->nodes; node++) {
		if (root[node]) {
			kept[node] = true;
			stack[top++] = node;
		}
	}
	while (top) {
		node = stack[--top];
		fate->kept++;
		for (edge = graph->first[node]; edge < graph->first[node + 1]; edge++) {
			target = graph->target[edge];
			if (!kept[target]) {
				kept[target] = true;
				stack[top++] = target;
			}
		}
	}

	/* Of the rest, counts free what nothing refers to, again and again. */
	for (node = 0; node < graph->nodes; node++) {
		count[node] = graph->indegree[node];
		if (!count[node] && !kept[node])
			stack[top++] = node;
	}
	while (top) {
		node = stack[--top];
		fate->counted++;
		for (edge = graph->first[node]; edge < graph->first[node + 1]; edge++) {
			target = graph->target[edge];
			if (!--count[target] && !kept[target])
				stack[top++] = target;
		}
	}
	fate->swept = graph->nodes - fate->kept - fate->counted;
out:
	free(stack);
	free(count);
	free(kept);
	return good;
}
