// The vocabulary of a run: given, that of the start model, or trained on the documents once and kept in the run's folder. The word list for masks likewise.

using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Text.Unigram.Training;
using BgeSharp.Training.Data;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>Loads or trains the tokenizer.</summary>
public static class RunVocabulary
{
    /// <summary>The tokenizer of a run.</summary>
    public static ITokenizer Prepare(Recipe recipe, RecipeDocuments documents, RunFolder folder, IRunObserver observer)
    {
        TokenizerOptions options = recipe.Tokenizer;
        if (options.From.Length > 0)
        {
            return TokenizerFile.Load(options.From);
        }
        if (recipe.Model.From.Length > 0)
        {
            return TokenizerFile.Load(recipe.Model.From);
        }
        if (!Directory.Exists(folder.Tokenizer))
        {
            observer.Message($"training a vocabulary of {options.Size} pieces");
            IEnumerable<string> texts = documents.Training().SelectMany(d => TextChunks.Of(d, 2000));
            AtomicFolder.Publish(folder.Tokenizer, staging =>
            {
                if (options.Type == "unigram")
                {
                    UnigramVocabularyFiles.Write(UnigramTrainer.Train(texts, new UnigramTrainerOptions { Size = options.Size }), staging);
                }
                else
                {
                    new WordPieceTrainer(new WordPieceTrainerOptions { VocabularySize = options.Size, Normalizer = new BertNormalizerOptions(Lowercase: options.Lowercase) })
                        .Train(texts).Save(staging);
                }
            });
        }
        return TokenizerFile.Load(folder.Tokenizer);
    }

    /// <summary>The words that the masks of a stage hide whole.</summary>
    /// <returns>Null when the stage hides Han characters one by one.</returns>
    public static HanWords? Words(RetroMaeStageOptions options, RecipeDocuments documents, RunFolder folder, IRunObserver observer)
    {
        if (options.WordSegmentation != "words")
        {
            return null;
        }
        if (!File.Exists(folder.Words))
        {
            observer.Message("learning words for the masks");
            AtomicFile.WriteText(folder.Words, HanWords.Train(documents.Training().SelectMany(d => TextChunks.Of(d, 2000))).Save());
        }
        return HanWords.Load(folder.Words);
    }
}
