// What both sides of "retromae" are fed: the sections of the sample documents, one a text as public pre-training data has it, under a public vocabulary of 21,128 pieces.

using System.IO.Compression;
using BgeSharp.Benchmarks.Running;
using BgeSharp.Text;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Data.Readers;

namespace BgeSharp.Benchmarks.RetroMae;

/// <summary>Real texts, tokenised.</summary>
internal static class PretrainingTexts
{
    private static readonly string[] Sources = ["laws", "libreoffice-help", "oi-wiki", "tidb-docs"];

    /// <summary>BERT's Chinese vocabulary of the golden files.</summary>
    public static WordPieceTokenizer Tokenizer()
    {
        string path = Path.Combine(Path.GetTempPath(), $"bge-bench-{Environment.ProcessId}.vocab.txt");
        try
        {
            using (var source = new GZipStream(File.OpenRead(Checkout.File("tests/golden/tokenizers/vocab/bert-base-chinese.vocab.txt.gz")), CompressionMode.Decompress))
            using (FileStream target = File.Create(path))
            {
                source.CopyTo(target);
            }
            return WordPieceTokenizer.FromVocabulary(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>Sections of all sample documents, in an order that mixes the sources; shorter ones than 8 tokens left out, longer ones cut, as both codes do.</summary>
    public static IEnumerable<string> Sections()
        => Sources.SelectMany(name => DocumentReader.Read(Checkout.File($"samples/documents/{name}.jsonl.gz")))
            .SelectMany(d => d.Sections.Select(s => s.Heading.Length == 0 ? s.Text : s.Heading + "\n" + s.Text));

    /// <summary>The texts as ids in a file that is deleted with the store.</summary>
    /// <param name="tokenizer">The vocabulary.</param>
    /// <param name="maxLength">Longest text in tokens.</param>
    public static TokenStore Store(ITokenizer tokenizer, int maxLength)
        => TokenStore.Create(Path.Combine(Path.GetTempPath(), $"bge-bench-{Environment.ProcessId}.ids"),
            Sections().Select(t => tokenizer.EncodeWithSpecial(t, maxLength)).Where(ids => ids.Length >= 8));

    /// <summary>Batches of texts drawn at random, as the public code's loader draws them.</summary>
    /// <param name="store">The texts.</param>
    /// <param name="texts">Texts of a batch.</param>
    public static IEnumerable<int[]> RandomBatches(TokenStore store, int texts)
    {
        var random = new SeededRandom(5);
        int[] rows = [.. Enumerable.Range(0, store.Count)];
        while (true)
        {
            random.Shuffle<int>(rows);
            foreach (int[] batch in rows.Chunk(texts).Where(b => b.Length == texts))
            {
                yield return batch;
            }
        }
    }
}
