/* SPDX-License-Identifier: GPL-2.0 */
/* The figures, each in a file of its own or with its like. */
#ifndef _BENCH_FIGURES_H
#define _BENCH_FIGURES_H

void figure_lifecycle(const char *figure);	/* B1 */
void figure_crowd(const char *figure);		/* B2 */
void figure_count(const char *figure);		/* B3 */
void figure_bulk(const char *figure);		/* B4 */
void figure_layout(const char *figure);		/* B5 */
void figure_slowpath(const char *figure);	/* B13 */
void figure_alive(const char *figure);		/* B14 */

#endif /* _BENCH_FIGURES_H */
