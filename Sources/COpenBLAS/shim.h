// OpenBLAS as Swift sees it: the real (s*, d*) CBLAS routines and the openblas_* controls.
#pragma once
#include <cblas.h>

// LAPACK, which Debian's OpenBLAS has in it: eigenvalues and eigenvectors of a symmetric matrix, in Fortran's order
// and with Fortran's hidden lengths of the two characters.
void dsyevd_(const char *job, const char *triangle, const int *n, double *matrix, const int *stride, double *values,
             double *work, const int *work_count, int *integers, const int *integers_count, int *info,
             unsigned long job_length, unsigned long triangle_length);
