"""Does LAPACK keep to one thread where it is asked to, and only there?"""

import threadpoolctl

from lazyscope.flow import one_lapack_thread


def blas_threads():
    return {
        pool["num_threads"]
        for pool in threadpoolctl.threadpool_info()
        if pool["user_api"] == "blas"
    }


def test_only_the_block_is_limited_to_one_thread():
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        with one_lapack_thread():
            assert blas_threads() == {1}
        assert blas_threads() == before == {2}


def test_the_limit_ends_with_an_error_too():
    before = blas_threads()
    try:
        with one_lapack_thread():
            raise RuntimeError
    except RuntimeError:
        pass
    assert blas_threads() == before
