"""Modules and members that are refused by name, each with the rule that explains it.

Keys are dotted paths and cover everything beneath them. They are read before the allow-list, so they also close parts
of modules that are open as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_autocoder.policy.words import words


def _each(rule: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), rule)


_PROCESS = _each(
    "process",
    "matplotlib.dviread matplotlib.texmanager matplotlib.backends.backend_pgf subprocess multiprocessing pty "
    "pexpect ptyprocess sh plumbum psutil signal posix nt _posixsubprocess joblib dask ray "
    "concurrent.futures.ProcessPoolExecutor concurrent.futures.process concurrent.interpreters os.system os.popen "
    "os.fork os.forkpty os.kill os.killpg os.posix_spawn os.posix_spawnp os.execl os.execle os.execlp os.execlpe "
    "os.execv os.execve os.execvp os.execvpe os.spawnl os.spawnle os.spawnlp os.spawnlpe os.spawnv os.spawnve "
    "os.spawnvp os.spawnvpe os.startfile os.abort os.setuid os.setgid os.nice os.wait os.waitpid os.pidfd_open "
    "os._exit asyncio.create_subprocess_exec asyncio.create_subprocess_shell asyncio.subprocess threading.Thread "
    "threading.Timer _thread _xxsubinterpreters _interpreters webbrowser antigravity venv ensurepip pip "
    "setuptools distutils",
)
_NETWORK = _each(
    "network",
    "socket _socket ssl _ssl socketserver select selectors http urllib ftplib smtplib poplib imaplib nntplib "
    "telnetlib xmlrpc wsgiref mailbox asyncore asynchat requests httpx httpcore aiohttp urllib3 websockets "
    "websocket paramiko boto3 botocore yfinance pandas_datareader alpaca alpaca_trade_api openai anthropic zmq "
    "tornado flask django fastapi starlette uvicorn psycopg psycopg2 pymongo redis pymysql sqlalchemy fsspec s3fs "
    "gcsfs ccxt quandl nasdaqdatalink fredapi asyncio.open_connection asyncio.open_unix_connection "
    "asyncio.start_server asyncio.start_unix_server logging.handlers pyarrow.flight pyarrow.fs pyarrow.hdfs "
    "sklearn.datasets.fetch_openml sklearn.datasets.fetch_california_housing sklearn.datasets.fetch_20newsgroups "
    "sklearn.datasets.fetch_covtype sklearn.datasets.fetch_kddcup99 sklearn.datasets.fetch_lfw_pairs "
    "sklearn.datasets.fetch_lfw_people sklearn.datasets.fetch_olivetti_faces sklearn.datasets.fetch_rcv1 "
    "sklearn.datasets.fetch_species_distributions sklearn.datasets.fetch_file seaborn.load_dataset "
    "seaborn.get_dataset_names scipy.datasets statsmodels.datasets.get_rdataset "
    "statsmodels.api.datasets.get_rdataset statsmodels.api.webdoc matplotlib.backends.backend_webagg "
    "matplotlib.cbook.get_sample_data altair.datasets altair.data plotly.dash dash bokeh.server jupyter_client "
    "jupyter_server jupyter_core nbclient notebook jupyter_autocoder",
)
_UNPICKLING = _each(
    "unpickling",
    "pickle _pickle cPickle pickletools marshal shelve dbm dill cloudpickle copyreg jsonpickle torch.load "
    "pandas.read_pickle pandas.to_pickle pandas.read_hdf pandas.HDFStore pandas.compat.pickle_compat "
    "pandas.io.pickle pandas.io.pytables pyarrow.deserialize pyarrow.deserialize_pandas pyarrow.PyExtensionType "
    "pyarrow.ipc.read_serialized sklearn.utils._joblib sklearn.externals statsmodels.api.load "
    "statsmodels.iolib.api.load_pickle statsmodels.iolib.smpickle statsmodels.base.wrapper.load_pickle "
    "networkx.read_gpickle yaml ruamel",
)
_NATIVE = _each(
    "native-code",
    "ctypes _ctypes cffi _cffi_backend mmap fcntl resource numpy.ctypeslib numpy.f2py numpy.distutils "
    "numpy.lib.introspect numpy.lib.stride_tricks.as_strided pyarrow.cffi pyarrow.cuda pyarrow.jvm "
    "pyarrow.load_library pyarrow.util scipy.LowLevelCallable scipy.weave scipy._lib.ccallback numba numexpr "
    "cython Cython pyximport llvmlite sqlite3.enable_load_extension polars.plugins polars.PyExpr PIL.ImageShow "
    "PIL.ImageGrab PIL.ImageMath sys.setdlopenflags",
)
_DYNAMIC = _each(
    "dynamic-code",
    "importlib _imp imp runpy pkgutil zipimport code codeop builtins _frozen_importlib _frozen_importlib_external "
    "compileall py_compile _ast pdb bdb doctest.testfile doctest.testsource doctest.debug trace cProfile profile "
    "unittest.mock logging.config lib2to3 idlelib rlcompleter typing.get_type_hints typing.ForwardRef "
    "typing_extensions.get_type_hints typing_extensions.ForwardRef typing_extensions.evaluate_forward_ref "
    "annotationlib numpy.lib.utils.safe_eval numpy._core pandas.core.computation matplotlib.testing patsy.eval "
    "sklearn.utils._testing scipy._lib.doccer IPython.core IPython.utils IPython.terminal IPython.lib "
    "IPython.get_ipython IPython.start_ipython IPython.embed IPython.extensions",
)
_INTROSPECTION = _each(
    "introspection",
    "inspect gc dis opcode symtable tokenize faulthandler sysconfig site sitecustomize usercustomize "
    "traceback.walk_tb traceback.walk_stack traceback.extract_stack traceback.extract_tb traceback.StackSummary "
    "traceback.FrameSummary traceback.TracebackException sys._getframe sys._current_frames "
    "sys._current_exceptions sys.modules sys.settrace sys.setprofile sys.call_tracing sys.path sys.path_hooks "
    "sys.meta_path sys.path_importer_cache sys.displayhook sys.excepthook sys.unraisablehook sys.breakpointhook "
    "sys.addaudithook sys.audit sys.__stdout__ sys.__stdin__ sys.monitoring sys.last_traceback sys.last_value "
    "sys.set_asyncgen_hooks sys.set_coroutine_origin_tracking_depth types.CodeType types.FunctionType "
    "types.FrameType types.LambdaType types.MethodType types.ModuleType types.TracebackType types.CellType "
    "types.GeneratorType types.CoroutineType types.new_class types.prepare_class types.resolve_bases "
    "types.coroutine atexit weakref.finalize warnings.showwarning warnings.formatwarning codecs.register "
    "codecs.register_error codecs.lookup tracemalloc.take_snapshot pydoc pyclbr string.Formatter",
)
_ENVIRONMENT = _each(
    "environment",
    "os.environ os.environb os.getenv os.getenvb os.putenv os.unsetenv getpass pwd grp spwd crypt keyring dotenv "
    "netrc platform.node platform.uname os.uname os.getlogin os.getuid os.getpid os.getppid os.path.expandvars "
    "os.path.expanduser pathlib.Path.home pathlib.Path.owner",
)

REFUSED: Mapping[str, str] = {
    **_PROCESS,
    **_NETWORK,
    **_UNPICKLING,
    **_NATIVE,
    **_DYNAMIC,
    **_INTROSPECTION,
    **_ENVIRONMENT,
    "pandas.io.common": "re-export",
}

# Modules of the standard library that other modules import and so carry along by chance. Reaching them through another
# module is refused in the library; the second set holds the names that mean nothing else anywhere.
CARRIED = words(
    "_io _os _sys _thread _weakref argparse pydoc encodings string atexit builtins codecs contextlib copyreg "
    "ctypes dis fcntl gc genericpath getopt gettext glob importlib inspect io linecache locale logging marshal "
    "mmap ntpath opcode os pickle pkgutil platform posix posixpath pwd runpy select selectors shutil signal site "
    "socket ssl subprocess sys sysconfig tempfile threading tokenize traceback types urllib warnings weakref "
    "zipfile zipimport"
)
# Members of libraries that only share such a name.
NAMESAKES = words(
    "numpy.select numpy.strings pandas.io pandas.api.types plotly.io polars.select polars.selectors pyarrow.string "
    "pyarrow.types scipy.io scipy.signal"
)
UNMISTAKABLE = words(
    "_builtins bltns _ctypes _imp _io _os _posixsubprocess _socket _subprocess _sys _thread _warnings _weakref "
    "builtins ctypes importlib os posix pickle subprocess sys shutil socket"
)
