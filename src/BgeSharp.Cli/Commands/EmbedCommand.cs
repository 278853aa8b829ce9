// bge embed: texts to vectors, streaming. JSONL keeps every field of the input's id; .npy is one matrix for other tools.
// Over ranks (mpirun, srun) each encodes its windows of texts into files of their own, and rank 0 puts them together: the same output file.

using System.Buffers.Binary;
using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using BgeSharp.Cli.Terminals;
using BgeSharp.Embeddings;
using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Collectives;
using BgeSharp.Training.Data.Negatives;
using BgeSharp.Training.Data.Vectors;
using BgeSharp.Training.Modeling;

namespace BgeSharp.Cli.Commands;

/// <summary>"bge embed".</summary>
internal static class EmbedCommand
{
    /// <summary>The command.</summary>
    public static Command Create(Terminal terminal)
    {
        var model = new Option<string>("--model") { Description = "Model folder.", HelpName = "DIR", Required = true };
        var input = new Option<string>("--input") { Description = "JSONL with \"text\" (and \"id\"), .gz allowed.", HelpName = "FILE", Required = true };
        var output = new Option<string>("--out") { Description = "Vectors: .jsonl, .jsonl.gz or .npy.", HelpName = "FILE", Required = true };
        var query = new Option<bool>("--query") { Description = "The texts are queries: put the model's instruction before them." };
        var length = new Option<int>("--max-length") { Description = "Longest text in tokens; 0 for the model's own limit.", DefaultValueFactory = _ => 0, HelpName = "N" };
        var dimensions = new DimensionsOption();
        var machine = new MachineOptions();
        var command = new Command("embed", "Turn texts into vectors.") { model, input, output, query, length };
        dimensions.AddTo(command);
        machine.AddTo(command);
        command.SetAction((line, cancellation) =>
        {
            string path = line.GetValue(output)!;
            bool matrix = path.EndsWith(".npy", StringComparison.OrdinalIgnoreCase);
            if (!matrix && !path.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase) && !path.EndsWith(".jsonl.gz", StringComparison.OrdinalIgnoreCase))
            {
                throw new BadInput($"{path}: vectors are written as .jsonl, .jsonl.gz or .npy; nothing was written.");
            }
            AtomicFile.RequirePlace(path);
            IProcessGroup group = terminal.Join();
            dimensions.Of(line);      // a number that no vector has is said before the model is loaded
            string texts = line.GetValue(input)!;
            BadInput.RequireFile(texts, "texts");
            Compute compute = machine.Start(line, group).Compute;
            using TextModel loaded = TextModel.Load(line.GetValue(model)!, compute);
            IEncoder encoder = dimensions.Cut(line, loaded.Encoder, loaded.Card, terminal);
            string instruction = line.GetValue(query) ? loaded.Card.QueryInstruction : loaded.Card.PassageInstruction;
            int limit = line.GetValue(length) > 0 ? line.GetValue(length) : line.GetValue(query) ? loaded.QueryMaxLength : loaded.PassageMaxLength;
            using WorkProgress progress = terminal.Watch(cancellation);
            if (group.Size == 1)
            {
                var ids = new Queue<string?>();       // the input may be a pipe: it is read once
                IEnumerable<string> read = Read(texts, cancellation).Select(t =>
                {
                    ids.Enqueue(t.Id);
                    return instruction + t.Text;
                });
                Write(Embed(encoder, loaded.Tokenizer, read, limit, done => progress.Reach(done, 0, "texts encoded")).Select(v => (ids.Dequeue(), v)));
                return Task.FromResult(ExitCode.Done);
            }
            string key = EmbeddingCache.KeyOf(line.GetValue(model)!, string.Create(CultureInfo.InvariantCulture, $"{Path.GetFullPath(texts)} {new FileInfo(texts).Length} {File.GetLastWriteTimeUtc(texts):O} {limit} {encoder.Dimension} {compute.Type} {instruction}"));
            var parts = new VectorParts(VectorParts.FolderFor(path, key), encoder.Dimension, group);
            parts.Make(Read(texts, cancellation).Select(t => instruction + t.Text), window => Embed(encoder, loaded.Tokenizer, window, limit, _ => cancellation.ThrowIfCancellationRequested()), passed => progress.Reach(passed, 0, "texts encoded"));
            group.First(() =>
            {
                Write(Read(texts, cancellation).Select(t => t.Id).Zip(parts.Read()));
                parts.Remove();
            });
            return Task.FromResult(ExitCode.Done);

            void Write(IEnumerable<(string? Id, float[] Vector)> rows)
            {
                long count = matrix ? WriteMatrix(path, rows, encoder.Dimension) : WriteLines(path, rows);
                progress.Clear();
                terminal.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count} vectors of {encoder.Dimension} numbers in {path}"));
            }
        });
        return command;
    }

    private static IEnumerable<(string? Id, string Text)> Read(string input, CancellationToken cancellation)
    {
        foreach (JsonLine row in JsonLines.Read(input))
        {
            cancellation.ThrowIfCancellationRequested();
            yield return (row.OptionalId("id", "_id"), row.RequireString("text"));
        }
    }

    private static IEnumerable<float[]> Embed(IEncoder encoder, ITokenizer tokenizer, IEnumerable<string> texts, int limit, Action<int> progress)
        => new TextEncoder(encoder, tokenizer).Encode(texts, limit, progress).Select(e => e.Dense!);

    private static long WriteLines(string path, IEnumerable<(string? Id, float[] Vector)> vectors)
    {
        long count = 0;
        using var lines = JsonLinesWriter.Create(path);
        foreach ((string? id, float[] vector) in vectors)
        {
            lines.Write(json =>
            {
                if (id is not null)
                {
                    json.WriteString("id", id);
                }
                json.WriteStartArray("dense");
                foreach (float number in vector)
                {
                    json.WriteNumberValue(number);
                }
                json.WriteEndArray();
            });
            count++;
        }
        lines.Commit();
        return count;
    }

    // NumPy's format 1.0: magic, header of fixed length, then float32 rows. The number of rows is written at the end, into the room left for it.
    private static long WriteMatrix(string path, IEnumerable<(string? Id, float[] Vector)> vectors, int dimension)
    {
        long count = 0;
        AtomicFile.Write(path, stream =>
        {
            stream.Write(NumpyHeader(0, dimension));
            foreach ((_, float[] vector) in vectors)
            {
                stream.Write(MemoryMarshal.AsBytes(vector.AsSpan()));
                count++;
            }
            stream.Position = 0;
            stream.Write(NumpyHeader(count, dimension));
        });
        return count;
    }

    private static byte[] NumpyHeader(long rows, int columns)
    {
        const int length = 128;
        string text = string.Create(CultureInfo.InvariantCulture, $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
        byte[] header = new byte[length];
        header.AsSpan().Fill((byte)' ');
        header[0] = 0x93;
        "NUMPY"u8.CopyTo(header.AsSpan(1));
        header[6] = 1;
        header[7] = 0;
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), length - 10);
        Encoding.ASCII.GetBytes(text).CopyTo(header, 10);
        header[^1] = (byte)'\n';
        return header;
    }
}
