// Loads libtorch before TorchSharp looks for it: the packaged one, or the one in the folder that BGESHARP_LIBTORCH names
// (a PyTorch installation's torch/lib, or an unpacked libtorch), and says clearly when the versions do not fit.

using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using TorchSharp;

namespace BgeSharp.Training.Native;

/// <summary>Start-up of libtorch.</summary>
public static partial class LibTorch
{
    /// <summary>Names a folder with libtorch to use in place of the packaged one.</summary>
    public const string FolderVariable = "BGESHARP_LIBTORCH";

    /// <summary>The libtorch that TorchSharp 0.107 is built for.</summary>
    public const string NeededVersion = "2.10";

    // How long libgomp's threads spin for their next work before they sleep, in turns of a loop: a tenth of a millisecond instead of several. Where other threads
    // (ours, between two operations) want the cores, those that spin take the time of whom they wait for. It is read when libgomp is loaded.
    private const string SpinVariable = "GOMP_SPINCOUNT", SpinTurns = "2000", WaitVariable = "OMP_WAIT_POLICY";

    private static readonly Lock Gate = new();
    private static bool _started;

    /// <summary>Where libtorch was loaded from: a folder, or "package".</summary>
    public static string Origin { get; private set; } = "package";

    /// <summary>Loads libtorch, sets the number of threads; does nothing the second time.</summary>
    /// <param name="threads">Threads for one operation; 0 takes the cores this process may use.</param>
    /// <exception cref="BadInput">The folder of BGESHARP_LIBTORCH does not hold a fitting libtorch, or none is packaged.</exception>
    public static void Start(int threads = 0)
    {
        lock (Gate)
        {
            if (!_started)
            {
                if (OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable(WaitVariable) is null)
                {
                    _ = SetEnvironment(SpinVariable, SpinTurns, overwrite: 0);
                }
                string? folder = Environment.GetEnvironmentVariable(FolderVariable);
                if (!string.IsNullOrEmpty(folder))
                {
                    LoadFrom(folder);
                    Origin = folder;
                }
                try
                {
                    InitializeDeviceType(DeviceType.CPU);
                }
                catch (Exception e) when (e is NotSupportedException or DllNotFoundException or TypeInitializationException)
                {
                    throw new BadInput($"libtorch {NeededVersion} could not be loaded; build with -p:Torch=cpu or -p:Torch=cuda, or name a folder that holds it in {FolderVariable}. ({FirstLine(e)})", e);
                }
                set_num_threads(threads > 0 ? threads : Environment.ProcessorCount);
                InstallTensorMemory();
                _started = true;
            }
            else if (threads > 0)
            {
                set_num_threads(threads);
            }
        }
    }

    /// <summary>Runs the same on as many threads as operations have; operations of each run on that thread alone. Ends when all have ended.</summary>
    /// <param name="work">Divides the work itself.</param>
    public static void OnThreads(Action work)
    {
        Start();
        int count = get_num_threads();
        var errors = new System.Collections.Concurrent.ConcurrentQueue<Exception>();
        using var ready = new CountdownEvent(1);
        using var go = new ManualResetEventSlim();
        var threads = new List<Thread>();
        bool all = false;
        try
        {
            for (int i = 0; i < count; i++)
            {
                var thread = new Thread(One) { IsBackground = true };
                ready.AddCount();
                thread.Start();
                threads.Add(thread);
            }
            ready.Signal();
            ready.Wait();
            all = true;
        }
        finally
        {
            // libtorch keeps the number for each thread, but gives new threads the last one that was set anywhere.
            set_num_threads(count);
            go.Set();
            threads.ForEach(t => t.Join());
        }
        if (errors.TryDequeue(out Exception? error))
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Capture(error).Throw();
        }

        void One()
        {
            try
            {
                set_num_threads(1);
                ready.Signal();
                go.Wait();
                if (all)        // else one of them could not be started
                {
                    work();
                }
            }
            catch (Exception e)
            {
                errors.Enqueue(e);
            }
        }
    }

    /// <summary>A device by name; loads CUDA when it is asked for.</summary>
    /// <param name="name">"cpu", "cuda" or "cuda:n".</param>
    /// <exception cref="BadInput">The name is not known, or this build or machine has no CUDA.</exception>
    public static Device DeviceOf(string name)
    {
        Start();
        if (name == "cpu")
        {
            return CPU;
        }
        Match match = CudaName().Match(name);
        if (!match.Success)
        {
            throw new BadInput($"device \"{name}\" is not known; use \"cpu\", \"cuda\" or \"cuda:n\".");
        }
        int index = match.Groups[1].Success ? int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) : 0;
        if (!cuda_is_available() || index >= cuda.device_count())
        {
            throw new BadInput($"device \"{name}\": no such CUDA device here; build with -p:Torch=cuda on a machine with an NVIDIA driver, or use --device cpu.");
        }
        return new Device(DeviceType.CUDA, index);
    }

    // libc10 is in the process by now; loading it by the path of that copy gives a handle to it.
    private static void InstallTensorMemory()
    {
        if (!TensorMemory.Fits)
        {
            return;
        }
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        string? path = process.Modules.Cast<System.Diagnostics.ProcessModule>().Select(m => m.FileName).FirstOrDefault(f => f is not null && Path.GetFileName(f) == "libc10.so");
        if (path is not null && NativeLibrary.TryLoad(path, out nint library))
        {
            TensorMemory.Install(library);
        }
    }

    private static void LoadFrom(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new BadInput($"{FolderVariable}={folder}: no such folder; it must hold libtorch {NeededVersion} (for example site-packages/torch/lib).");
        }
        string extension = OperatingSystem.IsWindows() ? ".dll" : OperatingSystem.IsMacOS() ? ".dylib" : ".so";
        string prefix = OperatingSystem.IsWindows() ? "" : "lib";
        string Library(string name) => Path.Combine(folder, prefix + name + extension);
        if (!File.Exists(Library("torch_cpu")))
        {
            throw new BadInput($"{FolderVariable}={folder}: {prefix}torch_cpu{extension} is not in this folder; name the folder that holds it.");
        }
        string? version = VersionOf(folder);
        if (version is not null && !version.StartsWith(NeededVersion + ".", StringComparison.Ordinal) && version != NeededVersion)
        {
            throw new BadInput($"{FolderVariable}={folder}: this is libtorch {version}, TorchSharp here needs {NeededVersion}; install PyTorch {NeededVersion} or unset {FolderVariable}.");
        }
        foreach (string name in new[] { "c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch" })
        {
            if (File.Exists(Library(name)) && !NativeLibrary.TryLoad(Library(name), out _))
            {
                throw new BadInput($"{FolderVariable}={folder}: {prefix}{name}{extension} cannot be loaded here; its own libraries are missing or of another version.");
            }
        }
        // The packaged TorchSharp library now finds these by their sonames. TorchSharp itself would load its packaged torch_cpu first, so it is told that loading is done.
        string wrapper = WrapperPath(prefix + "LibTorchSharp" + extension);
        string? problem = NativeProblem(wrapper);
        if (problem is not null)
        {
            throw new BadInput($"{FolderVariable}={folder}: this libtorch{(version is null ? "" : " " + version)} does not fit TorchSharp, which needs {NeededVersion}: {problem}.");
        }
        FieldInfo loaded = typeof(torch).GetField("nativeBackendLoaded", BindingFlags.Static | BindingFlags.NonPublic)
            ?? throw new InvalidOperationException("TorchSharp's loader has changed: torch.nativeBackendLoaded is gone");
        loaded.SetValue(null, true);
        if (File.Exists(Library("torch_cuda")))
        {
            typeof(torch).GetField("nativeBackendCudaLoaded", BindingFlags.Static | BindingFlags.NonPublic)?.SetValue(null, true);
        }
    }

    /// <summary>The version a PyTorch or libtorch folder says it is, or null.</summary>
    private static string? VersionOf(string folder)
    {
        string build = Path.Combine(folder, "..", "build-version");
        if (File.Exists(build))
        {
            return File.ReadAllText(build).Trim();
        }
        string python = Path.Combine(folder, "..", "version.py");
        if (File.Exists(python))
        {
            Match match = PythonVersion().Match(File.ReadAllText(python));
            return match.Success ? match.Groups[1].Value : null;
        }
        return null;
    }

    private static string WrapperPath(string file)
    {
        string rid = RuntimeInformation.RuntimeIdentifier;
        string portable = (OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux") + rid[rid.LastIndexOf('-')..];
        string nested = Path.Combine(AppContext.BaseDirectory, "runtimes", portable, "native", file);
        return File.Exists(nested) ? nested : Path.Combine(AppContext.BaseDirectory, file);
    }

    // Resolves every symbol at once (RTLD_NOW): a misfit shows here, by name, and not in the middle of a run.
    private static string? NativeProblem(string library)
    {
        if (!OperatingSystem.IsLinux())
        {
            return NativeLibrary.TryLoad(library, out _) ? null : "its library cannot be loaded";
        }
        const int now = 2;
        return DlOpen(library, now) != 0 ? null : Marshal.PtrToStringUTF8(DlError())?.Replace(library, Path.GetFileName(library), StringComparison.Ordinal) ?? "unknown reason";
    }

    private static string FirstLine(Exception e) => (e.InnerException ?? e).Message.AsSpan().Trim().ToString().Split('\n')[0].Trim();

    // .NET's own variables stay within .NET.
    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "dlopen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint DlOpen(string path, int flags);

    [LibraryImport("libc", EntryPoint = "dlerror")]
    private static partial nint DlError();

    [GeneratedRegex(@"^cuda(?::(\d{1,3}))?$")]
    private static partial Regex CudaName();

    [GeneratedRegex(@"__version__\s*=\s*'([^'+]+)")]
    private static partial Regex PythonVersion();
}
