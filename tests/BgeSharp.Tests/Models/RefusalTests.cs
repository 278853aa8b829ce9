// Folders that do not fit or mean harm: one sentence that names the file and the reason, and nothing written.

using BgeSharp.Formats;
using BgeSharp.Models;
using BgeSharp.Tests.Formats;
using CsCheck;

namespace BgeSharp.Tests.Models;

public sealed class RefusalTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string From => _folder.File("from");

    public void Dispose() => _folder.Dispose();

    private void Refused(string reason)
    {
        string[] before = Directory.GetFileSystemEntries(_folder.Path);
        foreach (Action run in (Action[])[() => SmallModel.Import(From, _folder.File("to")), () => SmallModel.Export(From, ExportTarget.HuggingFace, _folder.File("to"))])
        {
            string message = Assert.Throws<BadInput>(run).Message;
            Assert.Contains(reason, message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', message);
            Assert.DoesNotContain(".tmp", message, StringComparison.Ordinal);
        }
        Assert.Equal(before, Directory.GetFileSystemEntries(_folder.Path));
    }

    private void Put(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(From, name))!);
        File.WriteAllText(Path.Combine(From, name), text);
    }

    [Fact]
    public void No_folder() => Refused("no such folder");

    [Theory]
    [InlineData("config.json", "{\"model_type\":\"llama\"}", "llama")]
    [InlineData("config.json", "[]", "object")]
    [InlineData("model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Git LFS")]
    [InlineData("model.safetensors", "\u0001\0\0\0\0\0\0\0{", "model.safetensors")]
    [InlineData("vocab.txt", "a\nb\n", "vocab.txt")]
    [InlineData("vocab.txt", SmallModel.Vocabulary + "x\ny\n", "14 entries")]
    [InlineData("tokenizer.json", "{", "tokenizer.json")]
    [InlineData("tokenizer_config.json", "{\"tokenizer_class\":\"BertJapaneseTokenizer\"}", "BertJapaneseTokenizer")]
    [InlineData("bge.json", "{\"pooling\":null}", "bge.json")]
    [InlineData("bge.json", "{\"pooling\":\"max\"}", "\"max\"")]
    [InlineData("bge.json", "{\"prompts\":{\"a\":5}}", "bge.json")]
    [InlineData("bge.json", "{\"prompts\":{\"a\":null}}", "null")]
    [InlineData("bge.json", "{\"prompts\":{\"query\":\"a\"}}", "queryInstruction")]
    [InlineData("bge.json", "{\"passageInstruction\":\"b\",\"prompts\":{\"document\":\"a\"}}", "passageInstruction")]
    [InlineData("bge.json", "{\"queryInstruction\":\"\\ud800\"}", "bge.json")]
    [InlineData("bge.json", "{\"defaultPrompt\":\"a\"}", "defaultPrompt")]
    [InlineData("config_sentence_transformers.json", "{\"prompts\":{\"\\ud800\":\"a\"}}", "config_sentence_transformers.json")]
    [InlineData("modules.json", "{}", "list of modules")]
    [InlineData("modules.json", "[]", "none")]
    [InlineData("modules.json", "[{\"type\":\"sentence_transformers.models.Transformer\",\"path\":\"\"},{\"type\":\"evil.Pooling\",\"path\":\"\"}]", "evil.Pooling")]
    [InlineData("modules.json", "[{\"type\":\"sentence_transformers.models.Transformer\",\"path\":\"../x\"}]", "../x")]
    [InlineData("sparse_linear.pt", "PK", "sparse_linear.pt")]
    public void A_file_that_is_not_what_it_must_be(string name, string text, string reason)
    {
        new SmallModel().Write(From);
        Put(name, text);
        Refused(reason);
    }

    [Theory]
    [InlineData("\"pooling_mode_mean_tokens\":true", "Dense", "", "Dense")]
    [InlineData("\"pooling_mode_lasttoken\":true", "Normalize", "", "lasttoken")]
    [InlineData("\"pooling_mode_mean_tokens\":true,\"pooling_mode_cls_token\":true", "Normalize", "", "and")]
    [InlineData("\"pooling_mode\":\"weightedmean\"", "Normalize", "", "weightedmean")]
    [InlineData("\"pooling_mode_mean_tokens\":false", "Normalize", "", "not set")]
    [InlineData("\"pooling_mode_mean_tokens\":true,\"include_prompt\":false", "Normalize", "{\"prompts\":{\"query\":\"q\"}}", "include_prompt")]
    [InlineData("\"pooling_mode_cls_token\":true", "Normalize", "{\"prompts\":{\"query\":1}}", "query")]
    [InlineData("\"pooling_mode_cls_token\":true", "Normalize", "{\"prompts\":{},\"default_prompt_name\":\"x\"}", "default_prompt_name")]
    public void A_sentence_transformers_folder_that_computes_something_else(string pooling, string third, string prompts, string reason)
    {
        new SmallModel().Write(From);
        SmallModel.WriteModules(From, pooling, third, prompts);
        Refused(reason);
    }

    [Fact]
    public void Lower_casing_that_the_tokenizer_does_not_do()
    {
        new SmallModel().Write(From);
        Put("tokenizer_config.json", "{\"do_lower_case\":false}");
        File.WriteAllText(Path.Combine(From, "vocab.txt"), SmallModel.Vocabulary.Replace("é", "THE", StringComparison.Ordinal));
        SmallModel.WriteModules(From);
        Put("sentence_bert_config.json", "{\"do_lower_case\":true}");
        Refused("do_lower_case");
    }

    [Fact]
    public void Weights_that_do_not_fit_their_configuration()
    {
        const string Name = "encoder.layer.1.output.dense.bias";
        var model = new SmallModel();
        (model with { Rename = n => n == Name ? null : n }).Write(From);
        Refused(Name);
        (model with { Config = model.Config with { IntermediateSize = 10 } }).Write(From);
        model.Config.Save(From);
        Refused("they do not belong together");
        model.Write(From);
        (model.Config with { LayerCount = 1 }).Save(From);
        Refused("encoder.layer.1.");
        (model with { Type = TensorType.I8 }).Write(From);
        Refused("I8");
        (model with { More = [.. new SmallModel { Prefix = "bert." }.Tensors()] }).Write(From);
        Refused("several encoders");
        (model with { Rename = n => "x" + n }).Write(From);
        Refused("no tensor \"embeddings.word_embeddings.weight\"");
        (model with { More = [SmallModel.Filled("encoder.layer.0.attention.self.query.lora_A.weight", 2, 8)] }).Write(From);
        Refused("lora_A");
    }

    [Fact]
    public void A_pad_id_that_would_shift_the_positions()
    {
        var model = new SmallModel();
        (model with { Config = model.Config with { Kind = ModelKind.XlmRoberta, Architecture = "XLMRobertaModel", PadTokenId = 1 } }).Write(From);
        Refused("pad_token_id");
    }

    [Fact]
    public void Heads_of_another_size()
    {
        new SmallModel().Write(From);
        SmallModel.WriteHeads(From, 6, TensorType.F32, 4);
        Refused("hidden_size 8");
    }

    [Fact]
    public void Only_an_adapter()
    {
        new SmallModel().Write(From);
        File.Move(Path.Combine(From, "model.safetensors"), Path.Combine(From, "adapter_model.safetensors"));
        Put("adapter_config.json", "{}");
        Refused("adapter");
    }

    [Fact]
    [Trait("Category", "Golden")]
    public void Every_hostile_checkpoint_as_weights_and_as_a_head()
    {
        string[] hostile = Directory.GetFiles(Path.Combine(GoldenFolder.Find("torch-checkpoints"), "hostile"));
        Assert.True(hostile.Length > 10);
        foreach (string file in hostile)
        {
            foreach (string name in (string[])["pytorch_model.bin", "colbert_linear.pt"])
            {
                new SmallModel().Write(From);
                File.Copy(file, Path.Combine(From, name));
                if (name == "pytorch_model.bin")
                {
                    File.Delete(Path.Combine(From, "model.safetensors"));
                }
                Refused(name);
                Directory.Delete(From, recursive: true);
            }
        }
        Assert.False(File.Exists("owned"));
    }

    [Fact]
    public void Damaged_files_throw_nothing_but_BadInput()
    {
        new SmallModel().Write(From);
        SmallModel.WriteModules(From, prompts: """{"prompts":{"query":"q","b":"x"},"default_prompt_name":"b","similarity_fn_name":"dot"}""");
        Put("sentence_bert_config.json", """{"max_seq_length":9,"do_lower_case":false}""");
        Put("tokenizer_config.json", """{"tokenizer_class":"BertTokenizer","model_max_length":16,"do_lower_case":false,"cls_token":"[CLS]"}""");
        Put("special_tokens_map.json", """{"cls_token":"[CLS]","sep_token":{"content":"[SEP]"}}""");
        new ModelCard { Prompts = new Dictionary<string, string> { ["b"] = "x" }, History = [new("a", "b", 1, "c")] }.Save(From);
        string[] files = ["config.json", "modules.json", "1_Pooling/config.json", "config_sentence_transformers.json", "sentence_bert_config.json", "tokenizer_config.json", "special_tokens_map.json", "bge.json"];
        string[] texts = [.. files.Select(f => File.ReadAllText(Path.Combine(From, f)))];
        string[] strange = ["\\ud800", "null", "{}", "[]", "-1", "1e999", "\"\"", "\0", "true", "\"query\"", "\ufeff", ","];
        Gen.Select(Gen.Int[0, files.Length - 1], Gen.Int[0, 1000], Gen.Int[0, 12], Gen.Int[0, strange.Length - 1]).Sample((file, at, cut, what) =>
        {
            int from = at % texts[file].Length;
            Put(files[file], texts[file][..from] + strange[what] + texts[file][Math.Min(texts[file].Length, from + cut)..]);
            try
            {
                SmallModel.Import(From, _folder.File("to"));
                SmallModel.Export(_folder.File("to"), ExportTarget.SentenceTransformers, _folder.File("there"));
                Directory.Delete(_folder.File("there"), recursive: true);
            }
            catch (BadInput)
            {
            }
            if (Directory.Exists(_folder.File("to")))
            {
                Directory.Delete(_folder.File("to"), recursive: true);
            }
            Put(files[file], texts[file]);
            Assert.Equal([From], Directory.GetFileSystemEntries(_folder.Path));
        }, iter: 80, threads: 1);
    }

    [Theory]
    [InlineData("onnx", "not written yet")]
    [InlineData("sentence-transformer", "did you mean sentence-transformers?")]
    [InlineData("", "known")]
    public void A_target_that_is_not_known(string name, string reason) =>
        Assert.Contains(reason, Assert.Throws<BadInput>(() => ModelExport.Parse(name)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(15)]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void Positions_out_of_range(int positions)
    {
        new SmallModel().Write(From);
        Assert.Contains("--positions", Assert.Throws<BadInput>(() => SmallModel.Import(From, _folder.File("to"), new ImportOptions { Positions = positions })).Message, StringComparison.Ordinal);
        Assert.Equal([From], Directory.GetFileSystemEntries(_folder.Path));
    }
}
