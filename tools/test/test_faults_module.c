// SPDX-License-Identifier: GPL-2.0
/*
 * Faults of a module that uses refslab: of each allocation of the in-kernel
 * functions that it calls when it is loaded.
 */
#include "faults.h"
#include "module.h"

#define CALLER	"refslab_caller"
#define HEAP	"/sys/kernel/refslab/caller"

static void test_caller(void **state)
{
	unsigned int n, failed = 0;
	bool hit = true;
	int err;

	(void)state;
	for (n = 1; hit; n++) {
		fault_set_init(n);
		err = module_load_other(CALLER);
		hit = fault_hit();
		if (err) {
			failed++;
			if (!hit || err != -ENOMEM)
				fail_msg("fault %u: %s", n, strerror(-err));
			if (!access(HEAP, F_OK))
				fail_msg("fault %u: it failed and left its heap", n);
			/* to load it takes long on the debug kernel */
			if (n % 8)
				continue;
			works(module_load_other(CALLER));
		}
		/* it has what it wants, whatever it did without */
		works(access(HEAP, F_OK));
		works(module_unload_other(CALLER));
		if (!access(HEAP, F_OK))
			fail_msg("fault %u: its heap stays", n);
	}
	print_message("# a caller: %u of %u faults were its end\n", failed, n - 2);
	/* a heap, two types, a reserve, chunks, a weak reference */
	assert_true(failed > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		faults_test(test_caller),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("test_faults_module", tests, faults_setup,
					   faults_teardown);
}
