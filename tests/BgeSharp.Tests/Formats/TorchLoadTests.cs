// What we write as .pt is loaded by PyTorch itself with weights_only=True. Skipped where no Python with PyTorch is installed (Debian: python3-torch).

using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using BgeSharp.Formats;
using BgeSharp.Formats.Torch;

namespace BgeSharp.Tests.Formats;

public sealed class TorchLoadTests
{
    private const string Script = """
        import sys
        try:
            import torch
        except ImportError:
            sys.exit(42)
        for name, t in torch.load(sys.argv[1], weights_only=True).items():
            print(name, str(t.dtype), ",".join(map(str, t.shape)), repr(float(t.double().sum())), t.is_contiguous())
        """;

    [Fact]
    public void Torch_load_takes_what_is_written()
    {
        using var folder = new ScratchFolder();
        (string Name, TensorType Type, string TorchType)[] kinds =
            [("weight", TensorType.F32, "float32"), ("bias", TensorType.F64, "float64"), ("层.0", TensorType.F16, "float16"), ("b", TensorType.BF16, "bfloat16"), ("ids", TensorType.I64, "int64")];
        TensorToWrite[] tensors = [.. kinds.Select(k => new TensorToWrite(k.Name, k.Type, [2, 3], Numbers(k.Type)))];
        TorchCheckpointWriter.Write(folder["sparse_linear.pt"], tensors);
        Assert.Equal(kinds.Select(k => $"{k.Name} torch.{k.TorchType} 2,3 21.0 True"), Load(folder["sparse_linear.pt"]));
    }

    // 1 to 6 in the type.
    private static byte[] Numbers(TensorType type) => [.. Enumerable.Range(1, 6).SelectMany(i => type switch
    {
        TensorType.F32 => BitConverter.GetBytes((float)i),
        TensorType.F64 => BitConverter.GetBytes((double)i),
        TensorType.F16 => BitConverter.GetBytes((Half)i),
        TensorType.BF16 => BitConverter.GetBytes((ushort)(BitConverter.SingleToUInt32Bits(i) >> 16)),
        _ => BitConverter.GetBytes((long)i),
    })];

    private static string[] Load(string path)
    {
        foreach (string python in (string[])["python3", "/usr/bin/python3"])
        {
            try
            {
                var start = new ProcessStartInfo(python, ["-c", Script, path]) { RedirectStandardOutput = true, RedirectStandardError = true };
                start.Environment["PYTHONIOENCODING"] = "utf-8";
                using Process process = Process.Start(start)!;
                string output = process.StandardOutput.ReadToEnd();
                string errors = process.StandardError.ReadToEnd();
                process.WaitForExit();
                if (process.ExitCode != 42)
                {
                    Assert.True(process.ExitCode == 0, string.Create(CultureInfo.InvariantCulture, $"{process.ExitCode}: {errors}"));
                    return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
                }
            }
            catch (Win32Exception)
            {
            }
        }
        Assert.Skip("No Python with PyTorch is installed (Debian: apt-get install python3-torch).");
        return [];
    }
}
