using BgeSharp.Models;

namespace BgeSharp.Tests.Models;

public sealed class ModelCardTests
{
    [Fact]
    public void A_folder_of_sentence_transformers_says_how_it_is_used_where_there_is_no_card()
    {
        string folder = Directory.CreateTempSubdirectory("bgesharp").FullName;
        try
        {
            Assert.Equal("cls", ModelCard.Load(folder).Pooling);
            Directory.CreateDirectory(Path.Combine(folder, "1_Pooling"));
            File.WriteAllText(Path.Combine(folder, "1_Pooling", "config.json"), """{"pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true}""");
            File.WriteAllText(Path.Combine(folder, "config_sentence_transformers.json"), """{"prompts": {"query": "query: ", "document": "passage: ", "other": "o: "}}""");
            File.WriteAllText(Path.Combine(folder, "sentence_bert_config.json"), """{"max_seq_length": 256}""");
            ModelCard card = ModelCard.Load(folder);
            Assert.Equal(("mean", "query: ", "passage: ", 256, 256), (card.Pooling, card.QueryInstruction, card.PassageInstruction, card.QueryMaxLength, card.PassageMaxLength));
            Assert.Equal("o: ", card.Prompts["other"]);
            new ModelCard { Pooling = "cls" }.Save(folder);
            Assert.Equal(("cls", ""), (ModelCard.Load(folder).Pooling, ModelCard.Load(folder).QueryInstruction));
            File.Delete(Path.Combine(folder, "bge.json"));
            File.WriteAllText(Path.Combine(folder, "1_Pooling", "config.json"), """{"pooling_mode_max_tokens": true}""");
            Assert.Contains("the pooling is max_tokens", Assert.Throws<BadInput>(() => ModelCard.Load(folder)).Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("Transformer Pooling Dense", "Dense", false)]
    [InlineData("Transformer Pooling Dense Normalize", "Dense", true)]
    [InlineData("Transformer Pooling Normalize Dense Dense", "Dense Dense", true)]
    [InlineData("Transformer Pooling Normalize", "", true)]
    public void Training_starts_from_the_encoder_of_a_folder_with_a_module_behind_the_pooling(string modules, string leftOut, bool normalize)
    {
        using var folder = new Formats.ScratchFolder();
        Modules(folder, modules);
        Assert.Equal(("mean", normalize), (ModelCard.LoadStart(folder.Path).Pooling, ModelCard.LoadStart(folder.Path).Normalize));
        Assert.Equal(leftOut, string.Join(' ', ModelCard.LeftOutOfStart(folder.Path)));
        if (leftOut.Length > 0)
        {
            Assert.Contains("model.from", Assert.Throws<BadInput>(() => ModelCard.Load(folder.Path)).Message, StringComparison.Ordinal);
        }
        new ModelCard { Pooling = "cls" }.Save(folder.Path);
        Assert.Empty(ModelCard.LeftOutOfStart(folder.Path));
        Assert.Equal("cls", ModelCard.LoadStart(folder.Path).Pooling);
    }

    [Theory]
    [InlineData("Transformer Dense Pooling")]
    [InlineData("Dense Transformer Pooling")]
    [InlineData("Transformer Pooling LayerNorm")]
    public void What_is_not_behind_the_pooling_or_not_known_is_no_start(string modules)
    {
        using var folder = new Formats.ScratchFolder();
        Modules(folder, modules);
        Assert.Throws<BadInput>(() => ModelCard.LoadStart(folder.Path));
    }

    private static void Modules(Formats.ScratchFolder folder, string types)
    {
        string Module(string type)
        {
            string path = type == "Transformer" ? "" : "1_" + type;
            return $$"""{"path":"{{path}}","type":"sentence_transformers.models.{{type}}"}""";
        }
        folder.Write("modules.json", $"[{string.Join(",", types.Split(' ').Select(Module))}]");
        Directory.CreateDirectory(folder["1_Pooling"]);
        File.WriteAllText(Path.Combine(folder["1_Pooling"], "config.json"), """{"pooling_mode_mean_tokens": true}""");
    }
}
