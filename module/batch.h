/* SPDX-License-Identifier: GPL-2.0 */
/* Batches: many operations in one call. */
#ifndef _REFSLAB_BATCH_H
#define _REFSLAB_BATCH_H

#include "call.h"

/* Entries between two looks at the caller's memory; also known to the tests. */
#define BATCH_CHUNK	64

int batch_run(struct session *session, union session_data *data);
void batch_finish(struct session *session, union session_data *data,
		  bool copied);
void batch_free(struct batch *batch);

#endif /* _REFSLAB_BATCH_H */
