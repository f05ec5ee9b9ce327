/* SPDX-License-Identifier: GPL-2.0 */
/* The calls that look around in a heap: handles of what is found. */
#ifndef _REFSLAB_INSPECT_CALL_H
#define _REFSLAB_INSPECT_CALL_H

#include "call.h"

int inspect_objects(struct session *session, union session_data *data);
int inspect_referrers(struct session *session, union session_data *data);
int inspect_referents(struct session *session, union session_data *data);
void inspect_finish(struct session *session, union session_data *data,
		    bool copied);

#endif /* _REFSLAB_INSPECT_CALL_H */
