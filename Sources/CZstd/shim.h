// zstd as Swift sees it: the stable API, and one parameter by its number.
#pragma once
#include <zstd.h>
#include <zstd_errors.h>

// ZSTD_c_literalCompressionMode, a name that zstd.h has for static linking alone; 1 switches Huffman codes on.
static const ZSTD_cParameter shim_zstd_literal_compression = ZSTD_c_experimentalParam5;
