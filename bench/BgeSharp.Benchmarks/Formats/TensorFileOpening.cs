// Pair: reading a safetensors file of 2 GB into arrays, tensor by tensor, against mapping it. Why: a server or a command must not wait for weights it has not
// touched yet. The file is sparse (zeros without blocks on the disk), so the plain side does not even wait for a disk.

using System.Buffers.Binary;
using System.Text;
using BenchmarkDotNet.Attributes;
using BgeSharp.Benchmarks.Running;
using BgeSharp.Formats;

namespace BgeSharp.Benchmarks.Formats;

/// <summary>Opening 64 tensors of 32 MB, and reading one number of each.</summary>
public class TensorFileOpening
{
    private const int Tensors = 64;
    private const long TensorBytes = 32 << 20;
    private readonly string _folder = Directory.CreateTempSubdirectory("bgesharp-bench-").FullName;

    private string Weights => Path.Combine(_folder, "model.safetensors");

    [GlobalSetup]
    public void SetUp()
    {
        IEnumerable<string> entries = Enumerable.Range(0, Tensors).Select(i => $"\"t{i}\":{{\"dtype\":\"F32\",\"shape\":[8192,1024],\"data_offsets\":[{i * TensorBytes},{(i + 1) * TensorBytes}]}}");
        byte[] header = Encoding.UTF8.GetBytes("{" + string.Join(',', entries) + "}");
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        using (FileStream file = File.Create(Weights))
        {
            file.Write(length);
            file.Write(header);
            file.SetLength(8 + header.Length + (Tensors * TensorBytes));
            for (int i = 0; i < Tensors; i++)
            {
                file.Position = 8 + header.Length + (i * TensorBytes);
                file.Write(BitConverter.GetBytes(i + 1f));
            }
        }
        Agreement.Require("the first numbers", Read() == Map() && Map() == Tensors * (Tensors + 1) / 2, $"sums {Read()} and {Map()}");
        Workload.Is(typeof(TensorFileOpening), Tensors * TensorBytes / 1e9, "GB");
    }

    [GlobalCleanup]
    public void CleanUp() => Directory.Delete(_folder, recursive: true);

    [Benchmark(Baseline = true, Description = "read into arrays")]
    public double Read()
    {
        double sum = 0;
        using SafeTensorsFile file = SafeTensorsFile.Open(Weights);
        foreach (TensorEntry tensor in file.Tensors)
        {
            float[] numbers = file.ReadFloat32(tensor.Name);
            sum += numbers[0];
        }
        return sum;
    }

    [Benchmark(Description = "map")]
    public double Map()
    {
        double sum = 0;
        using SafeTensorsFile file = SafeTensorsFile.Open(Weights);
        foreach (TensorEntry tensor in file.Tensors)
        {
            sum += BinaryPrimitives.ReadSingleLittleEndian(file.Bytes(tensor.Name));
        }
        return sum;
    }
}
