// What other projects leave in a folder becomes a model folder with the same numbers, and what is not taken is said.

using BgeSharp.Formats;
using BgeSharp.Formats.Torch;
using BgeSharp.Models;
using BgeSharp.Tests.Formats;
using BgeSharp.Text;

namespace BgeSharp.Tests.Models;

public sealed class ModelImportTests : IDisposable
{
    // XLM-RoBERTa counts positions from the pad id, 1.
    private static readonly string s_padSecond = SmallModel.Vocabulary.Replace("[PAD]\n[UNK]", "[UNK]\n[PAD]", StringComparison.Ordinal);
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

    [Theory]
    [InlineData("bert", "pytorch_model.bin")]
    [InlineData("bert", "model.safetensors")]
    [InlineData("roberta", "pytorch_model.bin")]
    public void The_whole_state_of_the_public_pre_training_keeps_its_language_head_and_its_decoder(string encoder, string weights)
    {
        (SmallModel model, TensorToWrite[] kept) = PretrainingState(encoder);
        model.Write(From, weights, s_padSecond);

        ModelAccount account = SmallModel.Import(From, To);

        Assert.Equal(Plain(model), SmallModel.Bytes(To));
        SafeTensorsWriter.Write(_folder.File("expected.safetensors"), kept);
        Assert.Equal(SmallModel.Bytes(_folder.File("expected.safetensors")), SmallModel.Bytes(Path.Combine(To, "pretraining.safetensors")));
        Assert.Contains(account.Taken, line => line.Contains("21 tensors", StringComparison.Ordinal));
        Assert.Equal(2, account.LeftOut.Count);
        Assert.All(["tied", "counted anew"], what => Assert.Contains(account.LeftOut, line => line.Contains(what, StringComparison.Ordinal)));
    }

    [Fact]
    public void The_folder_of_FlagEmbedding_s_pre_training_brings_the_decoder_and_its_encoder_model_all_but_that()
    {
        (SmallModel whole, TensorToWrite[] kept) = PretrainingState("bert");
        TensorToWrite[] head = [.. kept.Where(t => !t.Name.StartsWith("c_head.", StringComparison.Ordinal))];
        string inner = Path.Combine(From, "encoder_model");
        (whole with { Prefix = "bert.", More = head }).Write(inner, vocabulary: s_padSecond);
        TorchCheckpointWriter.Write(Path.Combine(From, "pytorch_model.bin"), whole.Tensors());
        File.WriteAllText(Path.Combine(From, "training_args.bin"), "not read");

        SmallModel.Import(From, To);
        SmallModel.Import(inner, To + "2");

        Assert.Equal(Plain(whole), SmallModel.Bytes(To));
        Assert.Equal(Plain(whole), SmallModel.Bytes(To + "2"));
        Assert.Equal(kept.Select(t => t.Name).Order(StringComparer.Ordinal), SmallModel.Bytes(Path.Combine(To, "pretraining.safetensors")).Keys);
        Assert.Equal(head.Select(t => t.Name).Order(StringComparer.Ordinal), SmallModel.Bytes(Path.Combine(To + "2", "pretraining.safetensors")).Keys);
    }

    // The state_dict of RetroMAEForPretraining (FlagEmbedding 7ed43d6): the masked-language model under "lm.", the decoder, and the embeddings under a second name.
    // Kept: what only pre-training uses, under the names it has here.
    private static (SmallModel Model, TensorToWrite[] Kept) PretrainingState(string encoder)
    {
        var random = new Random(3);
        TensorToWrite Of(string name, params long[] shape) => SmallModel.Random(name, TensorType.F32, shape, random);
        TensorToWrite[] Linear(string name, long rows, long columns) => [Of(name + ".weight", rows, columns), Of(name + ".bias", rows)];
        TensorToWrite[] Norm(string name) => [Of(name + ".weight", 8), Of(name + ".bias", 8)];
        bool bert = encoder == "bert";
        string head = bert ? "cls.predictions" : "lm_head";
        TensorToWrite[] named =
        [
            .. Linear(head + (bert ? ".transform.dense" : ".dense"), 8, 8),
            .. Norm(head + (bert ? ".transform.LayerNorm" : ".layer_norm")),
            Of(head + ".bias", 12),
        ];
        TensorToWrite[] decoder =
        [
            .. Linear("c_head.attention.self.query", 8, 8),
            .. Linear("c_head.attention.self.key", 8, 8),
            .. Linear("c_head.attention.self.value", 8, 8),
            .. Linear("c_head.attention.output.dense", 8, 8),
            .. Norm("c_head.attention.output.LayerNorm"),
            .. Linear("c_head.intermediate.dense", 12, 8),
            .. Linear("c_head.output.dense", 8, 12),
            .. Norm("c_head.output.LayerNorm"),
        ];
        var small = new SmallModel();
        SmallModel model = small with
        {
            Prefix = $"lm.{encoder}.",
            Config = small.Config with { Kind = bert ? ModelKind.Bert : ModelKind.XlmRoberta, Architecture = bert ? "BertForMaskedLM" : "XLMRobertaForMaskedLM", PadTokenId = 1 },
            More =
            [
                .. named.Select(t => t with { Name = "lm." + t.Name }),
                Of($"lm.{head}.decoder.weight", 12, 8),
                Of($"lm.{head}.decoder.bias", 12),
                new TensorToWrite($"lm.{encoder}.embeddings.position_ids", TensorType.I64, [1, 16], new byte[128]),
                Of("decoder_embeddings.word_embeddings.weight", 12, 8),
                Of("decoder_embeddings.position_embeddings.weight", 16, 8),
                Of("decoder_embeddings.token_type_embeddings.weight", 2, 8),
                .. Norm("decoder_embeddings.LayerNorm"),
                new TensorToWrite("decoder_embeddings.position_ids", TensorType.I64, [1, 16], new byte[128]),
                .. decoder,
            ],
        };
        return (model, [.. named, .. decoder]);
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

    [Theory, InlineData("model.safetensors"), InlineData("pytorch_model.bin")]
    public void A_reranker_of_the_xlm_roberta_family_brings_encoder_and_classifier_each_to_its_file(string weights)
    {
        var small = new SmallModel();
        SmallModel model = (small with
        {
            Prefix = "roberta.",
            Config = small.Config with { Kind = ModelKind.XlmRoberta, Architecture = "XLMRobertaForSequenceClassification", PadTokenId = 1, TypeVocabularySize = 1, LayerNormEpsilon = 1e-5 },
            More =
            [
                SmallModel.Filled("classifier.dense.weight", 8, 8), SmallModel.Filled("classifier.dense.bias", 8),
                SmallModel.Filled("classifier.out_proj.weight", 1, 8), SmallModel.Filled("classifier.out_proj.bias", 1),
            ],
        }).Write(From, weights, "[CLS]\n[PAD]\n[SEP]\n[UNK]\n[MASK]\na\n");

        ModelAccount account = SmallModel.Import(From, To);

        Assert.Equal(["bge.json", "config.json", "model.safetensors", "reranker.safetensors", "vocab.txt"], Directory.GetFiles(To).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        SortedDictionary<string, string> theirs = SmallModel.Bytes(From);
        Assert.Equal(theirs.Where(t => t.Key.StartsWith("roberta.", StringComparison.Ordinal)).Select(t => KeyValuePair.Create(t.Key["roberta.".Length..], t.Value)), SmallModel.Bytes(To));
        Assert.Equal(theirs.Where(t => t.Key.StartsWith("classifier.", StringComparison.Ordinal)), SmallModel.Bytes(Path.Combine(To, "reranker.safetensors")));
        Assert.Equal(model.Config with { Architecture = "XLMRobertaModel" }, ModelConfig.Load(To));
        Assert.Contains(account.Taken, line => line.Contains("the cross-encoder's head (F32)", StringComparison.Ordinal));
        Assert.Empty(account.LeftOut);
    }

    [Theory]
    [InlineData("classifier.out_proj.bias", 2, false)]
    [InlineData("classifier.out_proj.weight", 3, true)]
    public void A_classifier_of_another_form_is_refused_or_left_out(string name, int rows, bool leftOut)
    {
        TensorToWrite[] head =
        [
            SmallModel.Filled("classifier.dense.weight", 8, 8), SmallModel.Filled("classifier.dense.bias", 8),
            SmallModel.Filled("classifier.out_proj.weight", 1, 8), SmallModel.Filled("classifier.out_proj.bias", 1),
        ];
        new SmallModel { Prefix = "bert.", More = [.. head.Select(t => t.Name != name ? t : SmallModel.Filled(name, [rows, .. t.Shape[1..]]))] }.Write(From);
        if (!leftOut)
        {
            Assert.Contains($"\"{name}\" is F32 [{rows}]", Assert.Throws<BadInput>(() => SmallModel.Import(From, To)).Message, StringComparison.Ordinal);
            return;
        }
        // Several classes judge no relevance: the encoder alone is taken.
        Assert.Contains("classifier.dense.bias and 3 more (classification head)", Assert.Single(SmallModel.Import(From, To).LeftOut), StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(To, "reranker.safetensors")));
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
