"""What may be imported, and which members of it: the reasons stand beside the names.

A module that maps to ALL is open as a whole, except for what `dangers` names and for other modules that hang in it by
chance (``statistics.sys``). One that maps to a set has parts that reach beyond the program, so only those members are
open, and the module itself cannot be passed around.
"""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_autocoder.policy.words import words

ALL: frozenset[str] | None = None


_LANGUAGE: Mapping[str, frozenset[str] | None] = {
    "__future__": ALL,  # switches of the compiler
    "abc": ALL,  # abstract classes
    "array": ALL,  # numbers in a row
    "bisect": ALL,  # search in sorted lists
    "calendar": ALL,  # dates
    "cmath": ALL,  # numbers
    "collections": ALL,  # containers
    "colorsys": ALL,  # arithmetic on colours
    "contextlib": ALL,  # context managers
    "contextvars": ALL,  # variables of a task
    "copy": ALL,  # copies; it calls only what the objects define
    "csv": ALL,  # tables as text
    "dataclasses": ALL,  # records; names of fields are checked by the module
    "datetime": ALL,  # dates
    "decimal": ALL,  # numbers
    "difflib": ALL,  # comparing texts
    "doctest": words("testmod run_docstring_examples"),  # runs the examples of this program, which are checked
    "enum": ALL,  # constants
    "fractions": ALL,  # numbers
    "functools": ALL,  # functions of functions; string annotations are a rule of their own
    "graphlib": ALL,  # sorting graphs
    "hashlib": ALL,  # digests
    "heapq": ALL,  # queues
    "hmac": ALL,  # digests
    "html": ALL,  # escaping text
    "itertools": ALL,  # iterators
    "json": ALL,  # data as text
    "keyword": ALL,  # a list of words
    "locale": ALL,  # how numbers are written
    "math": ALL,  # numbers
    "numbers": ALL,  # kinds of numbers
    "operator": ALL,  # operators as functions; attrgetter and methodcaller are a rule of their own
    "pprint": ALL,  # printing
    "queue": ALL,  # containers
    "random": ALL,  # numbers
    "re": ALL,  # searching text
    "secrets": ALL,  # random numbers
    "statistics": ALL,  # numbers
    "string": words(
        # the words and Template; Formatter reaches attributes by names in its text
        "Template ascii_letters ascii_lowercase ascii_uppercase capwords digits hexdigits octdigits printable "
        "punctuation whitespace"
    ),
    "struct": ALL,  # numbers in bytes
    "textwrap": ALL,  # text
    "time": ALL,  # the clock
    "timeit": words("default_timer repeat timeit"),  # of functions; text is refused by the rule for dynamic code
    "tomllib": ALL,  # data as text
    "types": words(
        # records and names of types; CodeType, FunctionType, FrameType and the like make code out of data
        "DynamicClassAttribute EllipsisType GenericAlias MappingProxyType NoneType NotImplementedType SimpleNamespace "
        "UnionType"
    ),
    "typing": ALL,  # names of types; get_type_hints runs strings and is refused by name
    "typing_extensions": ALL,  # the same for older Pythons
    "unicodedata": ALL,  # facts about characters
    "unittest": words("TestCase TestSuite TextTestRunner main skip skipIf"),  # tests; mock patches by import path
    "urllib.parse": ALL,  # addresses as text
    "uuid": ALL,  # random names
    "weakref": words("WeakKeyDictionary WeakSet WeakValueDictionary ref"),  # caches; finalize runs at exit
    "zoneinfo": ALL,  # dates
}

_FILES: Mapping[str, frozenset[str] | None] = {
    # Reading and writing files of its own folder is what a program is for; the sandbox keeps it to that folder.
    "ast": words("literal_eval"),  # data as text; the rest is for making code
    "base64": ALL,  # bytes as text
    "binascii": ALL,  # bytes as text
    "bz2": ALL,  # compressed files
    "codecs": words("BOM_UTF8 BOM_UTF16 BOM_UTF16_BE BOM_UTF16_LE decode encode open"),  # register hooks decoding
    "configparser": ALL,  # settings as text
    "fnmatch": ALL,  # patterns of file names
    "glob": ALL,  # names of files
    "gzip": ALL,  # compressed files
    "io": words("BufferedReader BytesIO IOBase SEEK_CUR SEEK_END SEEK_SET StringIO TextIOBase TextIOWrapper open"),
    "lzma": ALL,  # compressed files
    "os": words(
        # files by name; no processes, no environment, no links, no rights, no file descriptors
        "PathLike SEEK_CUR SEEK_END SEEK_SET altsep cpu_count curdir extsep fspath getcwd linesep listdir makedirs "
        "mkdir name pardir path pathsep remove removedirs rename replace rmdir scandir sep stat unlink urandom walk"
    ),
    "os.path": words(
        "abspath altsep basename commonpath commonprefix curdir dirname exists extsep getctime getmtime "
        "getsize isabs isdir isfile islink join normcase normpath pardir pathsep realpath relpath samefile sep split "
        "splitext"
    ),
    "pathlib": words("Path PosixPath PurePath PurePosixPath PureWindowsPath"),
    "shutil": words("copy copy2 copyfile copyfileobj copytree get_terminal_size move rmtree"),  # no chown, archives
    "sqlite3": ALL,  # a database in a file or in memory; loading extensions is refused by name
    "sys": words(
        # facts and streams; no frames, modules, hooks or paths
        "argv byteorder exc_info exit float_info getrecursionlimit getsizeof hash_info implementation int_info intern "
        "maxsize maxunicode platform set_int_max_str_digits setrecursionlimit stderr stdin stdout version version_info"
    ),
    **dict.fromkeys(
        ("sys.stderr", "sys.stdin", "sys.stdout"),
        # what files have; a notebook's streams also hold its session, which signs messages
        words("buffer closed encoding errors fileno flush isatty name readable reconfigure writable write writelines"),
    ),
    "tempfile": words("NamedTemporaryFile SpooledTemporaryFile TemporaryDirectory TemporaryFile gettempdir mkdtemp"),
    "xml.etree": ALL,  # data as text
    "xml.etree.ElementTree": ALL,  # the same
    "xml.dom.minidom": ALL,  # the same
    "zipfile": ALL,  # compressed files
    "zlib": ALL,  # compressed bytes
}

_RUNNING: Mapping[str, frozenset[str] | None] = {
    # Order of events within one run; nothing that goes on after it.
    "argparse": ALL,  # options of a command
    "asyncio": words(
        # tasks, clocks and queues; no processes, sockets, servers or threads
        "AbstractEventLoop Barrier BoundedSemaphore CancelledError Condition Event FIRST_COMPLETED FIRST_EXCEPTION "
        "ALL_COMPLETED Future InvalidStateError LifoQueue Lock PriorityQueue Queue QueueEmpty QueueFull Runner "
        "Semaphore Task TaskGroup TimeoutError all_tasks as_completed create_task current_task ensure_future gather "
        "iscoroutine iscoroutinefunction isfuture new_event_loop get_event_loop get_running_loop run set_event_loop "
        "shield sleep timeout timeout_at wait wait_for"
    ),
    "concurrent.futures": words(
        # threads that end with their block; processes are refused
        "ALL_COMPLETED CancelledError Executor FIRST_COMPLETED FIRST_EXCEPTION Future ThreadPoolExecutor TimeoutError "
        "as_completed wait"
    ),
    "logging": words(
        # messages to the screen; config and handlers reach files and sockets and import by name
        "CRITICAL DEBUG ERROR FATAL INFO NOTSET WARN WARNING FileHandler Formatter Handler LogRecord Logger "
        "LoggerAdapter NullHandler StreamHandler basicConfig critical debug disable error exception getLevelName "
        "getLogger info log warn warning"
    ),
    "platform": words("machine platform python_version python_version_tuple system"),  # facts
    "threading": words(
        # locks and storage; a thread outlives the run it was checked for, a pool's threads do not
        "BoundedSemaphore Condition Event Lock RLock Semaphore current_thread get_ident local"
    ),
    "traceback": words("format_exc format_exception format_exception_only print_exc print_exception"),
    "tracemalloc": words("get_traced_memory reset_peak start stop"),  # the memory used
    "warnings": words(
        # switches; showwarning and formatwarning are hooks that run later
        "catch_warnings deprecated filterwarnings resetwarnings simplefilter warn"
    ),
}

_LIBRARIES: Mapping[str, frozenset[str] | None] = {
    "numpy": ALL,
    "numpy.testing": words(
        # comparisons; runstring and rundocs run code
        "assert_ assert_allclose assert_almost_equal assert_approx_equal assert_array_almost_equal "
        "assert_array_compare assert_array_equal assert_array_less assert_equal assert_raises"
    ),
    "pandas": ALL,
    "matplotlib": ALL,
    "mpl_toolkits": ALL,  # matplotlib's own
    "pyarrow": ALL,
    "scipy": ALL,
    "sklearn": ALL,
    "statsmodels": ALL,
    "polars": ALL,
    "seaborn": ALL,
    "plotly": ALL,
    "altair": ALL,
    "PIL": ALL,
    "networkx": ALL,
    "tabulate": ALL,
    "tqdm": ALL,
    "dateutil": ALL,
    "pytz": ALL,
    "tzdata": ALL,
    "openpyxl": ALL,
    "IPython.display": words(
        # what the message gate can clean; no scripts, frames, links to files or handles on other outputs
        "HTML Image JSON Latex Markdown Math Pretty SVG clear_output display"
    ),
}

MODULES: Mapping[str, frozenset[str] | None] = {**_LANGUAGE, **_FILES, **_RUNNING, **_LIBRARIES}

# Objects of which only some members are open, and which may be passed around all the same.
STREAMS = frozenset({"sys.stderr", "sys.stdin", "sys.stdout"})
# Parts of the standard library that are packages, whose modules are open one by one.
PACKAGES = frozenset({"collections", "concurrent", "html", "json", "os", "xml", "xml.dom", "xml.etree", "IPython"})
