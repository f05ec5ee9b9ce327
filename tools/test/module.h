/* SPDX-License-Identifier: GPL-2.0 */
/* The module itself: unloaded, loaded again, and the pages it leaves. */
#ifndef REFSLAB_TEST_MODULE_H
#define REFSLAB_TEST_MODULE_H

/* NULL where there is no file to load it from. REFSLAB_MODULE names another. */
const char *module_file(void);

/* 0 or a negative error; none waits. */
int module_unload(void);
int module_load(void);
int module_load_with(const char *parameters);

/* The same for another that lies beside it, where modprobe would find it. */
int module_unload_other(const char *name);
int module_load_other(const char *name);

/* Pages that nobody has. */
long free_pages(void);

#endif
