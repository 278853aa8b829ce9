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
}
