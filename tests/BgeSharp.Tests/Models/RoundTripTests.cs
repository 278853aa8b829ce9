// The promise of import and export: a model that goes out to any tool's layout and comes back is the same model, to the bit.

using System.Text.Json;
using BgeSharp.Formats;
using BgeSharp.Formats.Torch;
using BgeSharp.Models;
using BgeSharp.Tests.Formats;
using BgeSharp.Text;
using CsCheck;

namespace BgeSharp.Tests.Models;

public sealed class RoundTripTests : IDisposable
{
    private static readonly string[] s_texts = ["", "a", "ab bA  É中\u00a0x", "THE A", "[MASK] a", "\ud83d\ude00 <mask> ab\n\tb"];
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static void SameFile(string name, string a, string b) => Assert.Equal(File.ReadAllBytes(Path.Combine(a, name)), File.ReadAllBytes(Path.Combine(b, name)));

    // Exports, imports, and compares everything; gives the exported folder.
    private string ThereAndBack(string model, ExportTarget target, string name = "there")
    {
        (string there, string back) = (_folder.File(name), _folder.File(name + "-back"));
        SmallModel.Export(model, target, there);
        SmallModel.Import(there, back);
        SameFile("bge.json", model, back);
        SameFile("config.json", model, back);
        SameFile("model.safetensors", model, back);
        bool heads = File.Exists(Path.Combine(model, "heads.safetensors"));
        Assert.Equal(heads, File.Exists(Path.Combine(back, "heads.safetensors")));
        if (heads)
        {
            SameFile("heads.safetensors", model, back);
        }
        (ITokenizer ours, ITokenizer theirs, ITokenizer again) = (TokenizerFile.Load(model), TokenizerFile.Load(there), TokenizerFile.Load(back));
        foreach (string text in s_texts)
        {
            Assert.Equal(ours.EncodePair(text, "ab"), theirs.EncodePair(text, "ab"));
            Assert.Equal(ours.EncodeWithSpecial(text), again.EncodeWithSpecial(text));
        }
        Assert.Equal(ours.Special, again.Special);
        Assert.Equal(ours.VocabularySize, again.VocabularySize);
        return there;
    }

    [Theory, InlineData(ExportTarget.HuggingFace), InlineData(ExportTarget.SentenceTransformers), InlineData(ExportTarget.FlagEmbedding)]
    public void A_cross_encoder_goes_out_as_the_classifier_it_came_as(ExportTarget target)
    {
        (string source, string model) = (_folder.File("source"), _folder.File("model"));
        new SmallModel
        {
            Prefix = "bert.",
            More =
            [
                SmallModel.Filled("bert.pooler.dense.weight", 8, 8), SmallModel.Filled("bert.pooler.dense.bias", 8),
                SmallModel.Filled("classifier.weight", 1, 8), SmallModel.Filled("classifier.bias", 1),
            ],
        }.Write(source);
        SmallModel.Import(source, model);
        string there = ThereAndBack(model, target);
        Assert.Equal(SmallModel.Bytes(source), SmallModel.Bytes(there));
        SameFile("reranker.safetensors", model, _folder.File("there-back"));
        using var config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(there, "config.json")));
        Assert.Equal("BertForSequenceClassification", config.RootElement.GetProperty("architectures")[0].GetString());
        Assert.Equal("LABEL_0", Assert.Single(config.RootElement.GetProperty("id2label").EnumerateObject()).Value.GetString());
        Assert.False(File.Exists(Path.Combine(there, "modules.json")));
    }

    [Fact]
    public void Whatever_a_model_folder_says_it_says_again_when_it_comes_back()
    {
        Gen<string> word = Gen.String[Gen.Char["ab \"\\中é{"], 0, 6];
        var card = Gen.Select(Gen.Bool, Gen.Bool, Gen.Select(word, word), Gen.Int[0, 20], Gen.Int[0, 20], Gen.Dictionary(Gen.String[Gen.Char.AlphaNumeric, 1, 5].Where(k => k != "query"), word)[0, 3], Gen.Bool,
            (mean, normalize, instructions, q, p, prompts, defaults) => new ModelCard
            {
                Pooling = mean ? "mean" : "cls",
                Normalize = normalize,
                QueryInstruction = instructions.Item1,
                PassageInstruction = instructions.Item2,
                QueryMaxLength = q == 1 ? 2 : q,
                PassageMaxLength = p == 1 ? 2 : p,
                Prompts = prompts,
                DefaultPrompt = defaults ? prompts.Keys.FirstOrDefault("query") : null,
                Similarity = normalize ? "cosine" : "dot",
                History = [new TrainedStage("s", "contrastive", q, "abc")],
            });
        int number = 0;
        Gen.Select(card, Gen.Int[0, 3].Select(i => (TensorType)i), Gen.Int[0, 9], Gen.Bool, Gen.Bool).Sample((c, type, width, single, cased) =>
        {
            string model = _folder.File($"m{number}");
            string source = model + "-source";
            new SmallModel { Type = type, Seed = width + 1, Config = new SmallModel().Config with { LayerCount = single ? 1 : 2 } }.Write(source);
            File.WriteAllText(Path.Combine(source, "tokenizer_config.json"), cased ? "{\"do_lower_case\":false}" : "{}");
            c.Save(source);
            if (width > 0)
            {
                SmallModel.WriteHeads(source, 8, type, width);
            }
            SmallModel.Import(source, model);
            ThereAndBack(model, (ExportTarget)(number % 3), $"t{number++}");
        }, iter: 12, threads: 1);
    }

    [Theory]
    [InlineData(ExportTarget.HuggingFace)]
    [InlineData(ExportTarget.SentenceTransformers)]
    public void One_head_alone_comes_back_and_flag_embedding_does_not_get_it(ExportTarget target)
    {
        string source = _folder.File("source"), model = _folder.File("model");
        new SmallModel().Write(source);
        new ModelCard().Save(source);
        SmallModel.WriteHeads(source, 8, TensorType.F32, 8, multi: false);
        SmallModel.Import(source, model);
        ThereAndBack(model, target);
        Assert.Contains("sparse head", Assert.Throws<BadInput>(() => SmallModel.Export(model, ExportTarget.FlagEmbedding, _folder.File("x"))).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.File("x")));
    }

    [Theory]
    [Trait("Category", "Golden")]
    [InlineData(".model", ExportTarget.HuggingFace)]
    [InlineData(".model", ExportTarget.FlagEmbedding)]
    [InlineData(".tokenizer.json", ExportTarget.SentenceTransformers)]
    [InlineData(".tokenizer.json and .model", ExportTarget.FlagEmbedding)]
    public void Unigram_vocabularies_give_the_same_ids_on_both_routes(string files, ExportTarget target)
    {
        string source = _folder.File("source"), model = _folder.File("model"), golden = GoldenFolder.Find("tokenizers");
        Directory.CreateDirectory(source);
        if (files.Contains(".model", StringComparison.Ordinal))
        {
            File.Copy(Path.Combine(golden, "models", "uni8k-bytefallback.model"), Path.Combine(source, "spm.model"));
        }
        if (files.Contains(".json", StringComparison.Ordinal))
        {
            using var packed = new System.IO.Compression.GZipStream(File.OpenRead(Path.Combine(golden, "models", "uni8k-bytefallback.tokenizer.json.gz")), System.IO.Compression.CompressionMode.Decompress);
            using FileStream plain = File.Create(Path.Combine(source, "tokenizer.json"));
            packed.CopyTo(plain);
        }
        var small = new SmallModel();
        (small with { Prefix = "roberta.", Config = small.Config with { Kind = ModelKind.XlmRoberta, Architecture = "XLMRobertaForMaskedLM", PadTokenId = 1, VocabularySize = 8010 } }).Write(source, vocabulary: null);
        SmallModel.Import(source, model);
        Assert.Equal(files.Contains(".model", StringComparison.Ordinal), File.Exists(Path.Combine(model, "sentencepiece.bpe.model")));
        string there = ThereAndBack(model, target);
        using var config = JsonDocument.Parse(File.ReadAllText(Path.Combine(there, "tokenizer_config.json")));
        Assert.Equal("XLMRobertaTokenizer", config.RootElement.GetProperty("tokenizer_class").GetString());
        Assert.Equal(14, config.RootElement.GetProperty("model_max_length").GetInt32());
        Assert.Equal("<mask>", JsonDocument.Parse(File.ReadAllText(Path.Combine(there, "special_tokens_map.json"))).RootElement.GetProperty("mask_token").GetString());
    }

    [Fact]
    public void Each_tool_finds_the_files_it_looks_for()
    {
        string source = _folder.File("source"), model = _folder.File("model");
        new SmallModel { Type = TensorType.F16 }.Write(source);
        SmallModel.WriteHeads(source, 8, TensorType.F16, 8);
        SmallModel.WriteModules(source, prompts: """{"prompts":{"query":"为这个句子：","passage":""}}""");
        SmallModel.Import(source, model);
        SmallModel.Import(model, model + "2");                   // our own folder is one that can be imported
        SameFile("heads.safetensors", model, model + "2");
        string[] common = ["bge.json", "colbert_linear.pt", "config.json", "model.safetensors", "sparse_linear.pt", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"];
        string[] modules = ["1_Pooling", "2_Normalize", "config_sentence_transformers.json", "modules.json", "sentence_bert_config.json"];

        string hugging = ThereAndBack(model, ExportTarget.HuggingFace, "hf"), sentences = ThereAndBack(model, ExportTarget.SentenceTransformers, "st"), flag = ThereAndBack(model, ExportTarget.FlagEmbedding, "fe");

        Assert.Equal(common, Names(hugging));
        Assert.Equal(common.Concat(modules).Order(StringComparer.Ordinal), Names(sentences));
        Assert.Equal(Names(sentences), Names(flag));
        JsonElement Json(string name) => JsonDocument.Parse(File.ReadAllText(Path.Combine(sentences, name))).RootElement;
        Assert.Equal("float16", Json("config.json").GetProperty("torch_dtype").GetString());
        Assert.Equal("BertModel", Json("config.json").GetProperty("architectures")[0].GetString());
        Assert.Equal(["", "1_Pooling", "2_Normalize"], Json("modules.json").EnumerateArray().Select(m => m.GetProperty("path").GetString()));
        Assert.True(Json("1_Pooling/config.json").GetProperty("pooling_mode_mean_tokens").GetBoolean());
        Assert.Equal(8, Json("1_Pooling/config.json").GetProperty("word_embedding_dimension").GetInt32());
        Assert.Equal(16, Json("sentence_bert_config.json").GetProperty("max_seq_length").GetInt32());
        Assert.Equal("为这个句子：", Json("config_sentence_transformers.json").GetProperty("prompts").GetProperty("query").GetString());
        Assert.True(Json("tokenizer_config.json").GetProperty("do_lower_case").GetBoolean());
        using var head = TorchCheckpoint.Open(Path.Combine(flag, "sparse_linear.pt"));
        Assert.Equal(["weight", "bias"], head.Tensors.Select(t => t.Name));
        using var weights = SafeTensorsFile.Open(Path.Combine(hugging, "model.safetensors"));
        Assert.Equal("pt", weights.Metadata["format"]);
    }

    [Fact]
    public void What_another_tool_changed_in_its_files_counts()
    {
        string source = _folder.File("source"), model = _folder.File("model"), there = _folder.File("there"), back = _folder.File("back");
        new SmallModel().Write(source);
        SmallModel.Import(source, model, new ImportOptions { QueryInstruction = "q: " });
        SmallModel.Export(model, ExportTarget.SentenceTransformers, there);
        SmallModel.WriteModules(there, prompts: """{"prompts":{"query":"new: "}}""");
        File.WriteAllText(Path.Combine(there, "sentence_bert_config.json"), """{"max_seq_length": 7}""");
        SmallModel.Import(there, back);
        var card = ModelCard.Load(back);
        Assert.Equal(("mean", "new: ", 7), (card.Pooling, card.QueryInstruction, card.PassageMaxLength));
        Assert.Equal("huggingface", card.Origin!.Layout);
    }

    private static IEnumerable<string?> Names(string folder) => Directory.GetFileSystemEntries(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal);
}
