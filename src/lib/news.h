/* SPDX-License-Identifier: BSD-2-Clause */
/* news.h — what the keeper of grafts has to say, and what follows for their joins */
#ifndef LIB_NEWS_H
#define LIB_NEWS_H

#include "lib/context.h"

/* All that has come. */
void news_take(struct shunt *s);

#endif
