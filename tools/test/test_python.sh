#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The tests of the Python client, by Debian's python3: test_python.sh [NAME...], as unittest takes names.

exec /usr/bin/python3 -B /tests/python/tests/run "$@"
