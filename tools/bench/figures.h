/* SPDX-License-Identifier: GPL-2.0 */
/* The figures, each in a file of its own or with its like. */
#ifndef _BENCH_FIGURES_H
#define _BENCH_FIGURES_H

void figure_lifecycle(const char *figure);	/* B1 */
void figure_crowd(const char *figure);		/* B2 */
void figure_count(const char *figure);		/* B3 */
void figure_bulk(const char *figure);		/* B4 */
void figure_layout(const char *figure);		/* B5 */
void figure_garbage(const char *figure);	/* B6 */
void figure_live(const char *figure);		/* B7 */
void figure_young(const char *figure);		/* B8 */
void figure_growth(const char *figure);		/* B9 */
void figure_mutator(const char *figure);	/* B10 */
void figure_slowpath(const char *figure);	/* B13 */
void figure_alive(const char *figure);		/* B14 */
void figure_chain(const char *figure);		/* B15 */

#endif /* _BENCH_FIGURES_H */
