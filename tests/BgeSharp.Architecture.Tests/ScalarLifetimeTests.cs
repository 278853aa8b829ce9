// TorchSharp's Scalars can be collected while libtorch reads them (TensorArithmetic.cs says how): no method of ours may let TorchSharp make one unseen.

using Mono.Cecil;
using Mono.Cecil.Cil;

namespace BgeSharp.Architecture.Tests;

public sealed class ScalarLifetimeTests
{
    [Fact]
    public void No_call_leaves_a_scalar_to_the_garbage_collector()
    {
        using AssemblyDefinition torch = AssemblyDefinition.ReadAssembly(typeof(TorchSharp.torch).Assembly.Location);
        HashSet<string> makers = MakersOfScalars(torch.MainModule);
        Assert.Contains("TorchSharp.torch/Tensor TorchSharp.torch/Tensor::op_Addition(TorchSharp.torch/Tensor,TorchSharp.torch/Tensor)", makers);
        Assert.Contains("TorchSharp.torch/Tensor TorchSharp.torch/Tensor::add(TorchSharp.torch/Tensor)", makers);
        Assert.DoesNotContain("TorchSharp.torch/Tensor TorchSharp.torch/Tensor::matmul(TorchSharp.torch/Tensor)", makers);

        using AssemblyDefinition ours = AssemblyDefinition.ReadAssembly(typeof(BgeSharp.Training.Stages.Trainer).Assembly.Location);
        IEnumerable<string> offences = Methods(ours.MainModule)
            .SelectMany(method => Calls(method).Where(makers.Contains)
                // TensorArithmetic makes and disposes Scalars itself; what it calls with them must not make more.
                .Where(call => method.DeclaringType.Name != "TensorArithmetic" || !call.Contains("::ToScalar(", StringComparison.Ordinal))
                // What TorchScript is given as a number becomes a Scalar; ByteProducts gives it tensors alone.
                .Where(call => method.DeclaringType.Name != "ByteProducts" || !call.Contains("CompilationUnit::invoke(", StringComparison.Ordinal)).Select(call => $"{method.DeclaringType.Name}.{method.Name} calls {call}"))
            .Distinct();
        Assert.Equal("", string.Join("\n", offences));
    }

    // Methods of TorchSharp in whose course a Scalar is made that nobody disposes: those that convert a number, and those that call such a method.
    private static HashSet<string> MakersOfScalars(ModuleDefinition module)
    {
        Dictionary<string, string[]> calls = [];
        foreach (MethodDefinition method in Methods(module))
        {
            calls[method.FullName] = [.. Calls(method)];
        }
        var makers = new HashSet<string>(calls.Keys.Where(name => name.Contains("TorchSharp.Scalar::op_Implicit(", StringComparison.Ordinal) || name.Contains("::ToScalar(", StringComparison.Ordinal)));
        for (bool grew = true; grew;)
        {
            grew = false;
            foreach ((string name, string[] called) in calls)
            {
                grew |= !makers.Contains(name) && called.Any(makers.Contains) && makers.Add(name);
            }
        }
        return makers;
    }

    private static IEnumerable<MethodDefinition> Methods(ModuleDefinition module)
        => module.GetTypes().SelectMany(type => type.Methods).Where(method => method.HasBody);

    private static IEnumerable<string> Calls(MethodDefinition method)
        => method.Body.Instructions.Where(i => i.OpCode.Code is Code.Call or Code.Callvirt or Code.Newobj).Select(i => ((MethodReference)i.Operand).FullName);
}
