// Pair: WordPiece as its definition reads (normalise, split, look up ever shorter substrings in a dictionary), against WordPieceTokenizer on one thread.
// Why: the definition looks up every substring of a word as a string of its own; the tokenizer walks a trie over the text and copies nothing.

using System.Globalization;
using System.IO.Compression;
using System.Text;
using BenchmarkDotNet.Attributes;
using BgeSharp.Benchmarks.Running;
using BgeSharp.Text;

namespace BgeSharp.Benchmarks.Text;

/// <summary>Language of the text.</summary>
public enum TextLanguage
{
    /// <summary>The passages of the samples, bert-base-chinese's vocabulary.</summary>
    Chinese,

    /// <summary>This project's own pages, bert-base-uncased's vocabulary.</summary>
    English,
}

/// <summary>WordPiece ids of real text.</summary>
[WarmupCount(8)] // compiled in tiers, in the background
public class WordPieceSpeed
{
    private WordPieceTokenizer _tokenizer = null!;
    private Dictionary<string, int> _ids = [];
    private string[] _texts = [];

    /// <summary>Language of the text.</summary>
    [Params(TextLanguage.Chinese, TextLanguage.English)] public TextLanguage Language { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        string name = Language == TextLanguage.Chinese ? "bert-base-chinese" : "bert-base-uncased";
        _tokenizer = Unpacked(Checkout.File($"tests/golden/tokenizers/vocab/{name}.vocab.txt.gz"));
        // Plain characters only, so that the definition can leave out the rare cases: that is its advantage.
        _texts = [.. Texts().Where(t => t.All(Plain))];
        _ids = Enumerable.Range(0, _tokenizer.VocabularySize).ToDictionary(_tokenizer.TokenOf);
        List<int[]> expected = By_definition(), actual = Word_piece_tokenizer();
        Agreement.Require("the ids", expected.Zip(actual).All(p => p.First.AsSpan().SequenceEqual(p.Second)), $"{expected.Sum(i => i.Length)} and {actual.Sum(i => i.Length)} ids");
        Workload.Is(typeof(WordPieceSpeed), actual.Sum(i => i.Length), "tokens", Language);
    }

    [Benchmark(Baseline = true, Description = "by definition")]
    public List<int[]> By_definition() => [.. _texts.Select(text => Words(text).SelectMany(Pieces).ToArray())];

    [Benchmark(Description = "WordPieceTokenizer, one thread")]
    public List<int[]> Word_piece_tokenizer() => [.. _texts.Select(_tokenizer.Encode)];

    private static WordPieceTokenizer Unpacked(string path)
    {
        string folder = Directory.CreateTempSubdirectory("bgesharp-bench-").FullName;
        try
        {
            string vocabulary = Path.Combine(folder, "vocab.txt");
            using (var packed = new GZipStream(File.OpenRead(path), CompressionMode.Decompress))
            using (FileStream file = File.Create(vocabulary))
            {
                packed.CopyTo(file);
            }
            return WordPieceTokenizer.FromVocabulary(vocabulary);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private IEnumerable<string> Texts()
        => Language == TextLanguage.Chinese
            ? SampleTexts.Passages()
            : Directory.GetFiles(Path.Combine(Checkout.Root, "docs"), "*.md").Order(StringComparer.Ordinal).SelectMany(File.ReadLines).Where(line => line.Length > 0);

    // ASCII, unified ideographs and full-width signs: nothing that is decomposed, dropped or a special token.
    private static bool Plain(char c) => c is >= ' ' and < '[' or '\n' or > ']' and < '\x7f' or >= '\u4e00' and <= '\u9fff' or '\u3001' or '\u3002' or '\uff0c' or '\uff1a' or '\uff08' or '\uff09' or '\u201c' or '\u201d';

    private static IEnumerable<string> Words(string text)
    {
        var word = new StringBuilder();
        foreach (char c in text)
        {
            bool alone = c is >= '\u4e00' and <= '\u9fff' || c < 128 && (char.IsPunctuation(c) || char.IsSymbol(c)) || c >= 128 && char.IsPunctuation(c);
            if ((alone || char.IsWhiteSpace(c)) && word.Length > 0)
            {
                yield return word.ToString();
                word.Clear();
            }
            if (alone)
            {
                yield return c.ToString(CultureInfo.InvariantCulture);
            }
            else if (!char.IsWhiteSpace(c))
            {
                word.Append(char.ToLowerInvariant(c));
            }
        }
        if (word.Length > 0)
        {
            yield return word.ToString();
        }
    }

    private IEnumerable<int> Pieces(string word)
    {
        var found = new List<int>();
        for (int start = 0, end; start < word.Length; start = end)
        {
            end = word.Length;
            int id;
            while (!_ids.TryGetValue((start > 0 ? "##" : "") + word[start..end], out id))
            {
                if (--end == start)
                {
                    return [_tokenizer.Special.Unk];
                }
            }
            found.Add(id);
        }
        return word.Length > 100 ? [_tokenizer.Special.Unk] : found;
    }
}
