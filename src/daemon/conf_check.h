/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_check.h — does what was said in different places fit together? */
#ifndef DAEMON_CONF_CHECK_H
#define DAEMON_CONF_CHECK_H

#include "daemon/conf.h"
#include "daemon/conf_report.h"

/* Brings names of backends together with the backends, and says what is wrong between values that may
 * each be right. 0, whatever was said; -ENOMEM. */
int conf_check(struct conf *c, struct conf_report *report);

#endif
