/* SPDX-License-Identifier: GPL-2.0 */
/* Sharing: invitations, exported objects, and the calls about roots. */
#ifndef _REFSLAB_SHARE_H
#define _REFSLAB_SHARE_H

#include "call.h"

int share_invite(struct session *session, union session_data *data);
int share_join(struct session *session, union session_data *data);
int share_export(struct session *session, union session_data *data);
int share_import(struct session *session, union session_data *data);
void share_import_finish(struct session *session, union session_data *data,
			 bool copied);
int share_root_set(struct session *session, union session_data *data);
int share_root_get(struct session *session, union session_data *data);
void share_root_get_finish(struct session *session, union session_data *data,
			   bool copied);
int share_root_next(struct session *session, union session_data *data);

#endif /* _REFSLAB_SHARE_H */
