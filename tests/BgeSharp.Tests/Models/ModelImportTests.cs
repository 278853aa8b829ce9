// What other projects leave in a folder becomes a model folder with the same numbers, and what is not taken is said.

using BgeSharp.Formats;
using BgeSharp.Models;
using BgeSharp.Tests.Formats;
using BgeSharp.Text;

namespace BgeSharp.Tests.Models;

public sealed class ModelImportTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string From => _folder.File("their-model");

    private string To => _folder.File("ours");

    public void Dispose() => _folder.Dispose();

    private static SortedDictionary<string, string> Plain(SmallModel model)
    {
        using var folder = new TemporaryFolder();
        (model with { Prefix = "", More = [], Rename = n => n }).Write(folder.Path);
        return SmallModel.Bytes(folder.Path);
    }

    [Theory]
    [InlineData("", "model.safetensors")]
    [InlineData("bert.", "sharded")]
    [InlineData("bert.", "pytorch_model.bin")]
    [InlineData("lm.bert.", "model.safetensors")]
    [InlineData("0.auto_model.", "pytorch_model.bin")]
    public void A_hugging_face_folder_keeps_every_bit_whatever_its_prefix_and_form(string prefix, string weights)
    {
        var model = new SmallModel
        {
            Prefix = prefix,
            More =
            [
                new TensorToWrite(prefix + "embeddings.position_ids", TensorType.I64, [1, 16], new byte[128]),
                SmallModel.Filled(prefix + "pooler.dense.weight", 8, 8),
                SmallModel.Filled("cls.seq_relationship.weight", 2, 8),
                SmallModel.Filled("something.else", 3),
            ],
        }.Write(From, weights);

        ModelAccount account = SmallModel.Import(From, To);

        Assert.Equal(Plain(model), SmallModel.Bytes(To));
        Assert.Equal(model.Config with { Architecture = "BertModel" }, ModelConfig.Load(To));
        Assert.Equal(["bge.json", "config.json", "model.safetensors", "vocab.txt"], Directory.GetFiles(To).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(4, account.LeftOut.Count);
        Assert.All(["position_ids", "pooler", "next-sentence", "something.else"], what => Assert.Contains(account.LeftOut, line => line.Contains(what, StringComparison.Ordinal)));
        Assert.Contains(account.Notes, line => line.Contains("cls is assumed", StringComparison.Ordinal));
        Assert.Equal([From, To], Directory.GetDirectories(_folder.Path).Order(StringComparer.Ordinal).Reverse());
    }

    [Fact]
    public void The_first_names_of_bert_are_understood_and_its_language_head_is_kept_for_pre_training()
    {
        TensorToWrite[] head =
        [
            SmallModel.Filled("cls.predictions.transform.dense.weight", 8, 8), SmallModel.Filled("cls.predictions.transform.dense.bias", 8),
            SmallModel.Filled("cls.predictions.transform.LayerNorm.gamma", 8), SmallModel.Filled("cls.predictions.transform.LayerNorm.beta", 8),
            SmallModel.Filled("cls.predictions.bias", 12),
        ];
        SmallModel model = new SmallModel
        {
            Prefix = "bert.",
            Rename = name => name.Replace("LayerNorm.weight", "LayerNorm.gamma", StringComparison.Ordinal).Replace("LayerNorm.bias", "LayerNorm.beta", StringComparison.Ordinal),
            More = [.. head, SmallModel.Filled("cls.predictions.decoder.weight", 12, 8)],
        }.Write(From);

        ModelAccount account = SmallModel.Import(From, To);

        Assert.Equal(Plain(model), SmallModel.Bytes(To));
        SortedDictionary<string, string> kept = SmallModel.Bytes(Path.Combine(To, "pretraining.safetensors"));
        Assert.Equal(EncoderTensors.MaskedLanguageHead(model.Config).Select(t => t.Name).Order(StringComparer.Ordinal), kept.Keys);
        Assert.Contains("tied", Assert.Single(account.LeftOut), StringComparison.Ordinal);
    }

    [Fact]
    public void A_sentence_transformers_folder_says_how_it_is_used()
    {
        string inner = Path.Combine(From, "0_Transformer");
        new SmallModel().Write(inner);
        File.WriteAllText(Path.Combine(inner, "sentence_bert_config.json"), """{"max_seq_length": 10, "do_lower_case": true}""");
        SmallModel.WriteModules(From, third: "", transformer: "0_Transformer",
            prompts: """{"prompts":{"query":"问：","document":"d: ","passage":"p: "},"default_prompt_name":"passage","similarity_fn_name":"dot"}""");

        ModelAccount account = SmallModel.Import(From, To);

        var card = ModelCard.Load(To);
        Assert.Equal(("mean", false, "问：", "passage", "dot"), (card.Pooling, card.Normalize, card.QueryInstruction, card.DefaultPrompt, card.Similarity));
        Assert.Equal("d: ", card.PassageInstruction);
        Assert.Equal([KeyValuePair.Create("passage", "p: ")], card.Prompts);
        Assert.Equal((10, 10), (card.QueryMaxLength, card.PassageMaxLength));
        Assert.Equal(new ModelOrigin("sentence-transformers", "their-model", "model.safetensors"), card.Origin);
        Assert.Equal(3, account.Notes.Count);
    }

    [Fact]
    [Trait("Category", "Golden")]
    public void A_flag_embedding_folder_written_by_pytorch_brings_its_heads()
    {
        string golden = GoldenFolder.Find("torch-checkpoints");
        Directory.CreateDirectory(From);
        foreach (string name in (string[])["config.json", "pytorch_model.bin", "sparse_linear.pt", "colbert_linear.pt"])
        {
            File.Copy(Path.Combine(golden, name), Path.Combine(From, name));
        }
        File.WriteAllText(Path.Combine(From, "vocab.txt"), "[CLS]\n[PAD]\n[SEP]\n[UNK]\n[MASK]\na\n");

        ModelAccount account = SmallModel.Import(From, To);

        SortedDictionary<string, string> expected = SmallModel.Bytes(Path.Combine(golden, "pytorch_model.expected.safetensors"));
        Assert.All(SmallModel.Bytes(To), tensor => Assert.Equal(expected.First(e => e.Key.EndsWith(tensor.Key, StringComparison.Ordinal)).Value, tensor.Value));
        SortedDictionary<string, string> heads = SmallModel.Bytes(Path.Combine(To, "heads.safetensors"));
        Assert.Equal(["colbert_linear.bias", "colbert_linear.weight", "sparse_linear.bias", "sparse_linear.weight"], heads.Keys);
        Assert.Equal(SmallModel.Bytes(Path.Combine(golden, "colbert_linear.expected.safetensors"))["weight"], heads["colbert_linear.weight"]);
        Assert.Equal(SmallModel.Bytes(Path.Combine(golden, "sparse_linear.expected.safetensors"))["bias"], heads["sparse_linear.bias"]);
        Assert.Contains(account.LeftOut, line => line.Contains("position_ids", StringComparison.Ordinal));
        Assert.Equal("flagembedding", ModelCard.Load(To).Origin!.Layout);
    }

    [Fact]
    public void Heads_that_are_missing_start_alike_for_the_same_seed_when_asked_to()
    {
        SmallModel model = new SmallModel().Write(From);
        SmallModel.WriteHeads(From, 8, TensorType.F16, 4, multi: false);
        Assert.Contains("--init-heads", Assert.Throws<BadInput>(() => SmallModel.Import(From, To)).Message, StringComparison.Ordinal);

        ModelAccount account = SmallModel.Import(From, To, new ImportOptions { InitHeads = true, Seed = 5 });
        SmallModel.Import(From, To + "2", new ImportOptions { InitHeads = true, Seed = 5 });

        Assert.Contains(account.Notes, line => line.StartsWith("the multi-vector head started at random", StringComparison.Ordinal));
        Assert.Equal(SmallModel.Bytes(Path.Combine(To, "heads.safetensors")), SmallModel.Bytes(Path.Combine(To + "2", "heads.safetensors")));
        using var heads = SafeTensorsFile.Open(Path.Combine(To, "heads.safetensors"));
        Assert.Equal(TensorType.F16, heads["sparse_linear.weight"].Type);
        Assert.Equal([8, 8], heads["colbert_linear.weight"].Shape);
        float[] start = heads.ReadFloat32("colbert_linear.weight");
        Assert.All(start, x => Assert.InRange(Math.Abs(x), 0, 1 / Math.Sqrt(model.Config.HiddenSize)));
        Assert.True(start.Distinct().Count() > 60);
    }

    [Fact]
    public void Longer_positions_are_written_and_every_file_agrees_on_them()
    {
        SmallModel model = new SmallModel().Write(From);
        File.WriteAllText(Path.Combine(From, "tokenizer_config.json"), """{"model_max_length": 16, "do_lower_case": false, "custom": [1]}""");

        SmallModel.Import(From, To, new ImportOptions { Positions = 40 });

        Assert.Equal(40, ModelConfig.Load(To).MaxLength);
        Assert.Equal(new PositionChange(16, 40, "tile"), ModelCard.Load(To).Positions);
        Assert.Equal(40, ModelCard.Load(To).MaxLength(ModelConfig.Load(To)));
        Assert.Contains("\"model_max_length\": 40", File.ReadAllText(Path.Combine(To, "tokenizer_config.json")), StringComparison.Ordinal);
        Assert.Contains("\"custom\"", File.ReadAllText(Path.Combine(To, "tokenizer_config.json")), StringComparison.Ordinal);
        Assert.Equal([7], TokenizerFile.Load(To).Encode("A"));
        SortedDictionary<string, string> before = Plain(model), after = SmallModel.Bytes(To);
        Assert.StartsWith("F32 [40,8] " + before[EncoderTensors.Position]["F32 [16,8] ".Length..], after[EncoderTensors.Position], StringComparison.Ordinal);
        Assert.Equal(before.Where(t => t.Key != EncoderTensors.Position), after.Where(t => t.Key != EncoderTensors.Position));
    }

    [Fact]
    public void An_import_that_is_stopped_leaves_nothing()
    {
        new SmallModel().Write(From);
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Throws<OperationCanceledException>(() => ModelImport.Run(From, To, cancellation: stop.Token));
        Assert.Equal([From], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void An_empty_folder_is_filled_and_any_other_is_left_alone()
    {
        new SmallModel().Write(From);
        Directory.CreateDirectory(To);
        SmallModel.Import(From, To);
        DateTime before = File.GetLastWriteTimeUtc(Path.Combine(To, "bge.json"));
        Assert.Contains("not empty", Assert.Throws<BadInput>(() => SmallModel.Import(From, To)).Message, StringComparison.Ordinal);
        Assert.Contains("a file has this name", Assert.Throws<BadInput>(() => SmallModel.Import(From, Path.Combine(To, "bge.json"))).Message, StringComparison.Ordinal);
        Assert.Equal(before, File.GetLastWriteTimeUtc(Path.Combine(To, "bge.json")));
        Assert.Equal(2, Directory.GetFileSystemEntries(_folder.Path).Length);
    }
}
