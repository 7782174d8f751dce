import asyncio
import logging
import traceback
import warnings

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
logger = logging.getLogger(__name__)
warnings.filterwarnings("ignore", category=FutureWarning)


class AppError(Exception):
    """Base of ours."""

    def __init__(self, message: str, *, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


class NotFound(AppError, KeyError):
    pass


async def fetch(i: int, sem: asyncio.Semaphore) -> int:
    async with sem:
        await asyncio.sleep(0.01)
        return i * i


async def ticker(n):
    for i in range(n):
        yield i
        await asyncio.sleep(0)


async def main() -> None:
    sem = asyncio.Semaphore(2)
    results = await asyncio.gather(*(fetch(i, sem) for i in range(5)), return_exceptions=True)
    async for x in ticker(3):
        logger.info("tick %s", x)
    print([r async for r in ticker(2)], results)
    try:
        await asyncio.wait_for(asyncio.sleep(1), timeout=0.01)
    except TimeoutError:
        print("timeout")


def risky(x):
    try:
        return 10 / x
    except ZeroDivisionError as exc:
        raise AppError("bad input", code=2) from exc
    else:
        pass
    finally:
        logger.debug("done")


if __name__ == "__main__":
    asyncio.run(main())
    try:
        risky(0)
    except AppError as e:
        print(e.code, e.args, repr(e))
        traceback.print_exc()
    try:
        raise ExceptionGroup("several", [ValueError(1), TypeError(2)])
    except* ValueError as group:
        print(group.exceptions)
    except* TypeError as group:
        print(len(group.exceptions))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.warn("careful", UserWarning, stacklevel=2)
        print(len(caught), caught[0].message)
    try:
        {}["a"]
    except KeyError as e:
        print(f"missing {e.args[0]}")
    assert issubclass(NotFound, AppError)
