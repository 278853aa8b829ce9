// Files of the shapes that FlagEmbedding's examples have, by their folders: retrieval with a teacher's scores, sentence pairs, classes and clusters with groups of their own, and the old ones without a type.

using BgeSharp.Text;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Data;

namespace BgeSharp.Training.Tests.Stages.Runs;

public sealed class FlagEmbeddingFilesTests : IDisposable
{
    private const string Instruction = "i ";

    // Every file's first query is aa, and its first positive bb. Its prompt is a letter.
    private static readonly Dictionary<string, Shape> s_shapes = new()
    {
        ["retrieval/msmarco.jsonl"] = new("normal", "m ", [3, 2, 2], Passages: 8, Group: 8,
        [
            """{"query": "aa", "pos": ["bb"], "neg": ["cc", "dd", "ee"], "pos_scores": [96.6875], "neg_scores": [90.5625, 89.0, 92.9375], "prompt": "m ", "type": "normal"}""",
            """{"query": "ab", "pos": ["gg"], "neg": ["hh", "cc"], "pos_scores": [98.625], "neg_scores": [85.5, 86.25], "prompt": "m ", "type": "normal"}""",
            """{"query": "ac", "pos": ["jj"], "neg": ["kk", "dd", "kk"], "pos_scores": [97], "neg_scores": [85.5, 86.25, 85.5], "prompt": "m ", "type": "normal"}""",
        ])
        { Scored = true },
        ["retrieval/nli.jsonl"] = new("only_1neg", "n ", [1, 1], Passages: 4, Group: 2,
        [
            """{"query": "aa", "pos": ["bb"], "neg": ["cc"], "pos_scores": [98.1875], "neg_scores": [82.25], "prompt": "n ", "type": "only_1neg"}""",
            """{"query": "ab", "pos": ["dd"], "neg": ["ee"], "pos_scores": [97.5], "neg_scores": [80.0], "prompt": "n ", "type": "only_1neg"}""",
        ])
        { Scored = true },
        ["sts/sts.jsonl"] = new("symmetric_sts", "s ", [2, 2], Passages: 5, Group: 8,
        [
            """{"query": "aa", "pos": ["bb"], "neg": ["cc", "dd"], "prompt": "s ", "type": "symmetric_sts"}""",
            """{"query": "ab", "pos": ["ff"], "neg": ["gg", "cc"], "prompt": "s ", "type": "symmetric_sts"}""",
        ])
        { Symmetric = true },
        ["classification-no_in_batch_neg/AmazonClassification.jsonl"] = new("symmetric_class", "c ", [2, 2, 2], Passages: 3, Group: 3,
        [
            """{"query": "aa", "pos": ["bb"], "neg": ["cc", "dd"], "prompt": "c ", "type": "symmetric_class"}""",
            """{"query": "ab", "pos": ["dd"], "neg": ["bb", "cc"], "prompt": "c ", "type": "symmetric_class"}""",
            """{"query": "ac", "pos": ["bb"], "neg": ["dd", "cc"], "prompt": "c ", "type": "symmetric_class"}""",
        ])
        { OwnGroup = true },
        ["clustering-no_in_batch_neg/arXiv_title.jsonl"] = new("symmetric_clustering", "t ", [3, 2], Passages: 5, Group: 8,
        [
            """{"query": "aa", "pos": ["bb"], "neg": ["cc", "dd", "ee"], "prompt": "t ", "category": "math.CA", "type": "symmetric_clustering"}""",
            """{"query": "ab", "pos": ["cc"], "neg": ["bb", "ff"], "prompt": "t ", "category": "q-bio", "type": "symmetric_clustering"}""",
        ])
        { OwnGroup = true, Symmetric = true },
        ["prompt_based/examples.jsonl"] = new("", "p ", [2, 1], Passages: 4, Group: 8,
        [
            """{"query": "aa", "pos": ["bb"], "neg": ["cc", "dd"], "pos_scores": [96.6875], "neg_scores": [90.5625, 89.0], "prompt": "p "}""",
            """{"query": "ab", "pos": ["ee"], "neg": ["cc"], "pos_scores": [98.625], "neg_scores": [85.5], "prompt": "p "}""",
        ])
        { Scored = true },
        ["toy/toy_finetune_data.jsonl"] = new("", null, [2, 2], Passages: 5, Group: 8,
        [
            """{"query": "aa", "pos": ["bb"], "neg": ["cc", "dd"]}""",
            """{"query": "ab", "pos": ["ee"], "neg": ["cc", "ff"]}""",
        ]),
    };

    private readonly TemporaryFolder _folder = new();
    private readonly WordPieceTokenizer _tokenizer = TinyModel.Tokenizer();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("retrieval/msmarco.jsonl")]
    [InlineData("retrieval/nli.jsonl")]
    [InlineData("sts/sts.jsonl")]
    [InlineData("classification-no_in_batch_neg/AmazonClassification.jsonl")]
    [InlineData("clustering-no_in_batch_neg/arXiv_title.jsonl")]
    [InlineData("prompt_based/examples.jsonl")]
    [InlineData("toy/toy_finetune_data.jsonl")]
    public void A_file_is_read_whole_by_its_own_name_and_by_its_folder_s(string file)
    {
        Shape shape = s_shapes[file];
        string path = Write(file);
        foreach (string given in new[] { path, Path.GetDirectoryName(path)! })
        {
            using PairStore store = Store(given);
            Assert.Equal(shape.Lines.Length, store.Count);
            Assert.Equal(shape.Passages, store.Passages.Count);
            PairSource source = Assert.Single(store.Sources);
            Assert.Equal((path, "", shape.Type, shape.OwnGroup, shape.Symmetric), (source.Name, source.Part, source.Type, source.OwnGroupOnly, source.IsSymmetric));
            Assert.All(store.Rows, row => Assert.Single(row.Positives));
            Assert.Equal(shape.Negatives, store.Rows.Select(row => row.Negatives.Length));
            Assert.All(store.Rows, row => Assert.Equal(shape.Scored ? 1 : -1, row.PositiveScores?.Length ?? -1));
            Assert.All(store.Rows, row => Assert.Equal(shape.Scored ? row.Negatives.Length : -1, row.NegativeScores?.Length ?? -1));

            // The line's prompt, where it has one, stands before its query, and before its passages where both sides are of one kind.
            string prompt = shape.Prompt ?? Instruction;
            Assert.Equal(prompt + "aa", Text(store.Queries, 0));
            Assert.Equal((shape.Symmetric ? prompt : "") + "bb", Text(store.Passages, store.Rows[0].Positives[0]));

            ContrastiveBatch batch = ContrastiveBatch.Draw(store, [0, 1], 8, 1, 0);
            Assert.Equal((shape.Group, shape.OwnGroup), (batch.Group, batch.OwnGroupOnly));
            for (int i = 0; i < 2 && shape.OwnGroup; i++)
            {
                string[] own = [.. store.Rows[i].Positives.Concat(store.Rows[i].Negatives).Select(row => Text(store.Passages, row))];
                Assert.Equal(own.Order(StringComparer.Ordinal), Enumerable.Range(i * batch.Group, batch.Group).Select(k => _tokenizer.Decode(batch.Passages[k])).Distinct().Order(StringComparer.Ordinal));
            }
        }
    }

    [Fact]
    public void Scores_stay_with_their_texts_and_a_text_that_stands_twice_is_counted()
    {
        using PairStore store = Store(Write("retrieval/msmarco.jsonl"));
        Assert.Equal([96.6875f], store.Rows[0].PositiveScores!);
        Assert.Equal([90.5625f, 89f, 92.9375f], store.Rows[0].NegativeScores!);
        Assert.Equal(["kk", "dd"], store.Rows[2].Negatives.Select(row => Text(store.Passages, row)));
        Assert.Equal([85.5f, 86.25f], store.Rows[2].NegativeScores!);
        Assert.Equal(1, store.Faults.RepeatedNegatives);
        Assert.Equal(0, store.Faults.NegativesThatArePositives);
    }

    [Fact]
    public void Files_of_several_folders_are_as_many_sources_in_their_order()
    {
        string[] files = [.. s_shapes.Keys], paths = [.. files.Select(Write)];
        using PairStore store = Store([.. paths.Select(p => Path.GetDirectoryName(p)!).Distinct()]);
        Assert.Equal(paths, store.Sources.Select(s => s.Name));
        Assert.Equal(files.Select(f => (s_shapes[f].Type, s_shapes[f].OwnGroup)), store.Sources.Select(s => (s.Type, OwnGroup: s.OwnGroupOnly)));
        Assert.Equal(files.SelectMany((f, source) => s_shapes[f].Lines.Select(_ => source)), store.Rows.Select(r => r.Source));
        Assert.Equal(files.SelectMany(f => s_shapes[f].Negatives), store.Rows.Select(r => r.Negatives.Length));
    }

    private string Write(string file) => Path.GetFullPath(_folder.Write(file, string.Join('\n', s_shapes[file].Lines) + "\n"));

    private PairStore Store(params string[] given) => PairStore.Create(
        Path.Combine(_folder.Path, "kept-" + Guid.NewGuid().ToString("N")), StagePairs.Read([.. given.Select(path => new PairSourceOptions { Path = path })], new RecipeDocuments(new Recipe()), 1), _tokenizer, 16, 16, Instruction, negatives: true);

    private string Text(TokenStore store, int row) => _tokenizer.Decode(store[row]);

    /// <param name="Type">FlagEmbedding's; empty for none.</param>
    /// <param name="Prompt">Of every line; null for none.</param>
    /// <param name="Negatives">Of each line, each text once.</param>
    /// <param name="Passages">Distinct ones.</param>
    /// <param name="Group">Passages a query where the stage asks for 8.</param>
    /// <param name="Lines">Of the file.</param>
    private sealed record Shape(string Type, string? Prompt, int[] Negatives, int Passages, int Group, string[] Lines)
    {
        public bool Scored { get; init; }

        public bool OwnGroup { get; init; }

        public bool Symmetric { get; init; }
    }
}
