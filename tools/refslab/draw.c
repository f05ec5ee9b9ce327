// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <jansson.h>
#include <math.h>

#include "draw.h"

#define HUE_STEP	0.618034	/* golden section: neighbours differ */

static void put_quoted(FILE *to, const char *text)
{
	fputc('"', to);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', to);
		fputc(*text, to);
	}
	fputc('"', to);
}

static double hue(uint32_t cycle)
{
	return fmod((cycle - 1) * HUE_STEP, 1);
}

static void put_node(FILE *to, const struct walk *walk, size_t i)
{
	const struct walk_node *node = &walk->node[i];

	fprintf(to, "\tn%zu [label=", i + 1);
	put_quoted(to, node->label);
	fprintf(to, ", tooltip=\"%s, ", node->type);
	if (node->generation == REFSLAB_GENERATION_FROZEN)
		fprintf(to, "frozen");
	else
		fprintf(to, "generation %u", node->generation);
	fprintf(to, ", %" PRIu64 " reference%s\"", node->count, node->count == 1 ? "" : "s");
	if (node->cycle)
		fprintf(to, ", fillcolor=\"%.3f 0.350 1.000\"", hue(node->cycle));
	if (node->cycle || node->garbage)
		fprintf(to, ", style=\"%s%s%s\"", node->cycle ? "filled" : "",
			node->cycle && node->garbage ? "," : "",
			node->garbage ? "dashed" : "");
	if (node->held)
		fprintf(to, ", peripheries=2");
	fprintf(to, "];\n");
}

static void put_edge(FILE *to, const struct walk *walk, size_t from, size_t edge)
{
	size_t target = walk->edge[edge].to;
	uint32_t cycle = walk->node[from].cycle;

	fprintf(to, "\tn%zu -> n%zu [tooltip=\"slot %u\"", from + 1, target + 1,
		walk->edge[edge].slot);
	if (cycle && cycle == walk->node[target].cycle)
		fprintf(to, ", color=\"%.3f 1.000 0.700\"", hue(cycle));
	fprintf(to, "];\n");
}

/* What the heap itself keeps, by name. */
static void put_root(FILE *to, const struct walk *walk, size_t i)
{
	fprintf(to, "\tr%zu [label=\"%s\", shape=plaintext, tooltip=\"root\"];\n", i + 1,
		walk->root[i].name);
	fprintf(to, "\tr%zu -> n%zu [tooltip=\"root\"];\n", i + 1, walk->root[i].to + 1);
}

void draw_dot(FILE *to, const struct walk *walk, const char *heap)
{
	size_t i, edge;

	fprintf(to, "digraph \"%s\" {\n", heap);
	fprintf(to, "\t// %zu objects, %zu edges, %u cycles%s\n", walk->nodes,
		walk->edges, walk->cycles,
		walk->complete ? "" : "; there are more objects");
	fprintf(to, "\tnode [shape=box, fontname=\"sans-serif\"];\n");
	for (i = 0; i < walk->nodes; i++)
		put_node(to, walk, i);
	for (i = 0; i < walk->nodes; i++)
		for (edge = walk->node[i].first; edge < walk->node[i + 1].first; edge++)
			put_edge(to, walk, i, edge);
	for (i = 0; i < walk->roots; i++)
		put_root(to, walk, i);
	fprintf(to, "}\n");
}

static json_t *node_json(const struct walk *walk, size_t i)
{
	const struct walk_node *node = &walk->node[i];

	return json_pack("{s:I, s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:o}",
			 "id", (json_int_t)i + 1, "label", node->label,
			 "type", node->type, "object", (json_int_t)node->object,
			 "generation", (json_int_t)node->generation,
			 "count", (json_int_t)node->count,
			 "cycle", node->cycle ? json_integer(node->cycle) : json_null(),
			 "held", walk->complete ? json_boolean(node->held) : json_null(),
			 "garbage", walk->complete ? json_boolean(node->garbage) : json_null());
}

static json_t *edge_json(const struct walk *walk, size_t from, size_t edge)
{
	return json_pack("{s:I, s:I, s:I}", "from", (json_int_t)from + 1,
			 "slot", (json_int_t)walk->edge[edge].slot,
			 "to", (json_int_t)walk->edge[edge].to + 1);
}

static json_t *root_json(const struct walk_root *root)
{
	return json_pack("{s:s, s:I}", "name", root->name, "to", (json_int_t)root->to + 1);
}

bool draw_json(FILE *to, const struct walk *walk, const char *heap)
{
	json_t *nodes = json_array(), *edges = json_array(), *roots = json_array(), *all;
	bool good = nodes && edges && roots;
	size_t i, edge;

	for (i = 0; i < walk->nodes && good; i++) {
		good = !json_array_append_new(nodes, node_json(walk, i));
		for (edge = walk->node[i].first;
		     edge < walk->node[i + 1].first && good; edge++)
			good = !json_array_append_new(edges, edge_json(walk, i, edge));
	}
	for (i = 0; i < walk->roots && good; i++)
		good = !json_array_append_new(roots, root_json(&walk->root[i]));
	all = json_pack("{s:s, s:b, s:I, s:o, s:o, s:o}", "heap", heap,
			"complete", walk->complete,
			"cycles", (json_int_t)walk->cycles,
			"nodes", nodes, "edges", edges, "roots", roots);
	good = good && all;
	if (good) {
		json_dumpf(all, to, JSON_INDENT(3));
		fputc('\n', to);
	}
	json_decref(all);
	return good;
}
