// --dimensions: shorter vectors, for commands that make one kind of vector. Whoever asks for a length that the model was not trained at is told.

using System.CommandLine;
using System.Globalization;
using BgeSharp.Cli.Terminals;
using BgeSharp.Embeddings;
using BgeSharp.Models;
using BgeSharp.Training.Collectives;

namespace BgeSharp.Cli.Commands;

/// <summary>Numbers of a dense vector.</summary>
internal sealed class DimensionsOption
{
    private readonly Option<int> _dimensions = new("--dimensions")
    {
        Description = "Numbers of a dense vector: the first so many, scaled anew (Matryoshka); 0 for all.",
        DefaultValueFactory = _ => 0,
        HelpName = "N",
    };

    /// <summary>Adds the option to a command.</summary>
    public void AddTo(Command command) => command.Add(_dimensions);

    /// <summary>The number asked for; 0 for all.</summary>
    /// <exception cref="BadInput">It is below 0.</exception>
    public int Of(ParseResult line) => line.GetValue(_dimensions) is >= 0 and var asked ? asked
        : throw new BadInput(string.Create(CultureInfo.InvariantCulture, $"--dimensions {line.GetValue(_dimensions)}: 0 (all) or a number above it is needed."));

    /// <summary>The encoder with vectors of that length.</summary>
    /// <exception cref="BadInput">The model's vectors are shorter.</exception>
    public IEncoder Cut(ParseResult line, IEncoder encoder, ModelCard card, Terminal terminal)
    {
        Tell(line, card, encoder.Dimension, terminal);
        return ShortenedEncoder.Of(encoder, Of(line));
    }

    /// <summary>Says it when a length is asked for that the model's card does not name.</summary>
    /// <param name="line">What was typed.</param>
    /// <param name="card">Of the model.</param>
    /// <param name="whole">D of the model.</param>
    /// <param name="terminal">Its error stream hears it.</param>
    public void Tell(ParseResult line, ModelCard card, int whole, Terminal terminal)
    {
        int asked = Of(line);
        if (terminal.Group.Leads() && asked > 0 && asked < whole && !card.MatryoshkaDimensions.Contains(asked))
        {
            string known = card.MatryoshkaDimensions.Count == 0 ? "names no shorter ones" : "names " + string.Join(", ", card.MatryoshkaDimensions);
            terminal.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"note: the model's card does not say that it was trained for vectors of {asked} numbers (it {known}); \"bge eval --dimensions {asked} {whole}\" shows what is lost."));
        }
    }
}
