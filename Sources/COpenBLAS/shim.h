// OpenBLAS as Swift sees it: the real (s*, d*) CBLAS routines and the openblas_* controls.
#pragma once
#include <cblas.h>
