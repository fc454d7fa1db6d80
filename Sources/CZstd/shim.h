// zstd as Swift sees it: the stable API.
#pragma once
#include <zstd.h>
#include <zstd_errors.h>
